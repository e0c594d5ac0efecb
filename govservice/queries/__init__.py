"""The read side: what the desks show. Functions take a session and plain arguments and return frozen rows."""
