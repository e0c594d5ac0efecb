"""Working-day calendars and legal clocks: pure, no database, no web, no wall clock."""
