"""Registries of a synthetic province for demonstrations and tests, served over HTTP by a process of their own.

`province.build(seed)` is the data, `cast` the fixed identities, `server.serve` the server. Nobody in it exists: the
region code 9901xx is assigned to no place.
"""
