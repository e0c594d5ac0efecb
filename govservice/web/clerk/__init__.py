"""The clerk's desk: the worklist by urgency, everything about a case on one page, acting with reasons."""

from govservice.web.clerk import acts, cases, piled, search, settling, worklist
from govservice.web.clerk.blueprint import blueprint

__all__ = ["acts", "blueprint", "cases", "piled", "search", "settling", "worklist"]
