"""Effects on their way out: the outbox is drained by lease, delivered at least once, keyed by `case:seq:effect`."""
