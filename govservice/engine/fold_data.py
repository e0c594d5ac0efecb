"""The fold of a change of what a case rests on."""

from __future__ import annotations

from govservice.engine.fold_parts import unconfirm
from govservice.engine.state import CaseState
from govservice.engine.types import Event


def data_changed(st: CaseState, ev: Event) -> None:
    d = ev.data
    if "rev" in d:
        st.data_rev = d["rev"]
        st.changes = (*st.changes, (d["rev"], tuple(d["changed"])))
        unconfirm(st, d["unconfirmed"])
