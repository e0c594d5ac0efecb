"""A payment provider for demonstrations and tests, in a process of its own. No money moves.

`orders` is its book, `delivery` sends the signed callbacks, `faults` lets them come late, twice, out of order, wrong
or never, `pages` is what the payer sees, `server` the doors.
"""
