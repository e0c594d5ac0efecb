"""Is a definition sound: can every case end, lawfully, in time, with somebody to act, asking nothing twice?

A linear check over the compiled definition (2 to 5 ms); walking the engine's own decisions through every marking is
the independent second opinion. Escapes (withdraw, lapse) and acts of the clock never count as a way to an end: they
would hide every deadlock.
"""

from __future__ import annotations

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.findings import Finding, sorted_findings
from govservice.definitions.loader import Loaded
from govservice.definitions.verify_fee import check_fee
from govservice.definitions.verify_graph import Graph, Notes
from govservice.definitions.verify_guards import check_guards
from govservice.definitions.verify_joins import check_joins
from govservice.definitions.verify_once import check_once_only, check_relied_on, check_silence
from govservice.definitions.verify_output import check_output
from govservice.definitions.verify_paths import check_paths
from govservice.definitions.verify_people import Staffing, check_four_eyes, check_staffing
from govservice.definitions.verify_promises import check_promises
from govservice.definitions.verify_reach import check_reach, check_titles
from govservice.definitions.verify_saga import check_saga
from govservice.definitions.verify_waits import check_waits

__all__ = ["Staffing", "verify"]


def verify(compiled: Compiled, loaded: Loaded, catalogue: Catalogue, staffing: Staffing | None = None) -> list[Finding]:
    """Structural findings of a definition that compiles, by line; never raises for a definition that does.

    `loaded` gives the lines and must be the file that was compiled. `staffing` (who holds which role in which
    department) is checked only where it is given.
    """
    notes = Notes(Graph(compiled), loaded)
    check_reach(notes)
    check_titles(notes)
    check_joins(notes)
    check_guards(notes)
    check_paths(notes)
    check_waits(notes)
    check_four_eyes(notes)
    check_promises(notes)
    check_output(notes)
    check_once_only(notes, catalogue)
    check_relied_on(notes)
    check_silence(notes)
    check_fee(notes)
    check_saga(notes, catalogue)
    if staffing is not None:
        check_staffing(notes, catalogue, staffing)
    return list(sorted_findings(notes.findings))
