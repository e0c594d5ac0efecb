"""Paying fees: the payment provider's door, what it says of an order, and the book of what was paid.

`signing` proves who sent a message, `messages` reads it, `provider` asks, `ledger` writes the `payments` rows.
`sandbox` is a provider for demonstrations and tests, a process of its own. Nothing here knows a case's way.
"""
