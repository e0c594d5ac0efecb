"""Figures of the portal, measured in one run on one machine: `make bench`, or `python -m bench [PART ...]`."""
