"""The quality report: each dataset of the owner's registries, month by month."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from flask import Response, render_template
from flask_babel import gettext

from govservice.definitions.schema_registry import Dataset
from govservice.errors import NotFound
from govservice.exchange.outcomes import BREAKER_FAILURES, GIVES_VALUES, Outcome
from govservice.operations.disputing import owners
from govservice.operations.runtime import Runtime
from govservice.queries.burden import Month, months
from govservice.queries.disputes import owed
from govservice.queries.quality import Quality, Words, total
from govservice.queries.quality import quality as report
from govservice.queries.registries import Board, boards
from govservice.web.access import audience, current_runtime
from govservice.web.boards import KINDS, said
from govservice.web.csv_text import csv_answer
from govservice.web.i18n import text
from govservice.web.steward.blueprint import blueprint, own_registries, steward
from govservice.web.titles import Titles

MONTHS = 6
MONTH = timedelta(days=30)
WORDS = Words(
    answered=frozenset(o.value for o in GIVES_VALUES),
    no_record=Outcome.NO_RECORD.value,
    silent=frozenset(o.value for o in BREAKER_FAILURES),
    wrong_shape=Outcome.SCHEMA_VIOLATION.value,
)
Report = dict[tuple[str, date], Quality]


def _read(rt: Runtime) -> tuple[Mapping[str, Dataset], list[Month], Report, list[Board], tuple[int, int]]:
    """Datasets of the own registries, the months shown, the counts, how the registries do, disputes owed."""
    actor, now = steward(), rt.now()
    mine = own_registries(rt, actor)
    datasets = {ref: dataset for each in mine.values() for ref, dataset in each.datasets.items()}
    wanted = months(rt.calendars.for_area(None), rt.today(now), MONTHS)
    with rt.read() as session:
        found = report(session, mine, wanted, WORDS, lambda sha, fact: _taken(rt, sha, fact))
        stand = [b for b in boards(session, rt.definitions.catalogue, KINDS, now, MONTH) if b.code in mine]
        return datasets, wanted, found, stand, owed(session, owners(actor), rt.today(now))


def _taken(rt: Runtime, sha: str, fact: str) -> Collection[str]:
    """What a version asks for under a fact's name and every record has; nothing where it is not known any more. A list
    may be empty: nobody else lives there."""
    try:
        node = rt.definitions.by_sha(sha).service.facts.get(fact)
    except NotFound:
        return ()
    dataset = rt.definitions.catalogue.datasets.get(node.dataset or "") if node is not None else None
    if node is None or dataset is None:
        return ()
    return [name for name in node.taken if name not in dataset.fields or dataset.fields[name].normalise != "list"]


@blueprint.get("")
@audience("steward")
def quality() -> str:
    """How good the own registers are, and what waits for an answer."""
    rt = current_runtime()
    datasets, wanted, found, stand, (waiting, overdue) = _read(rt)
    known = rt.definitions.catalogue.registries
    return render_template(
        "steward/quality.html", datasets=datasets, found=found, months=list(reversed(wanted)), boards=stand,
        every={ref: total(found, ref) for ref in datasets}, waiting=waiting, overdue=overdue, said=said,
        known=known, **Titles(rt).for_templates(),
    )  # fmt: skip


@blueprint.get("/quality.csv")
@audience("steward")
def quality_csv() -> Response:
    """The report as a table, a row for each dataset and month."""
    rt = current_runtime()
    datasets, wanted, found, _stand, _owed = _read(rt)
    head = [
        gettext("Dataset"), gettext("Month"), gettext("Calls"), gettext("With an answer"), gettext("No record"),
        gettext("Silent"), gettext("Of another shape"), gettext("Incomplete"), gettext("Said to be wrong"),
        gettext("Corrected"), gettext("Changed when asked again"),
    ]  # fmt: skip
    rows = [
        (f"{text(dataset.title)} ({ref})", month.first.isoformat()[:7], q.calls, q.answered, q.no_record, q.silent,
         q.wrong_shape, q.incomplete, q.sent, q.accepted, q.mismatches)
        for ref, dataset in datasets.items() for month in wanted
        if (q := found.get((ref, month.first))) is not None
    ]  # fmt: skip
    return csv_answer("quality.csv", head, rows)
