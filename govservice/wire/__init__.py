"""What every call to the outside needs, whoever makes it: a deadline over the whole call, JSON within bounds."""
