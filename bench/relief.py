"""How much people are spared: shares of the burden ledger of a demonstration's history, and a second application."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from sqlalchemy import func, select

from bench.figure import Figure, figure
from bench.stage import Stage
from govservice.models.cases import Case, CaseEvent
from govservice.models.exchange import Burden
from govservice.operations import filing, reusing
from govservice.operations.runtime import Runtime

PDF = b"%PDF-1.4\nsome plan\n%%EOF"


def figures(stage: Stage, rt: Runtime) -> Iterator[Figure]:
    """`rt`: the same portal with a door to registries that are well."""
    with stage.rt.read() as session:
        rows = session.execute(
            select(
                Burden.service, func.sum(Burden.fields), func.sum(Burden.fields_typed), func.sum(Burden.documents),
                func.sum(Burden.documents_brought),
            ).group_by(Burden.service)
        ).all()  # fmt: skip
        pledged = session.scalar(
            select(func.count())
            .select_from(CaseEvent)
            .where(CaseEvent.type == "pledge.made", CaseEvent.case_id.in_(select(Burden.case_id)))
        )
    fields = {service: 1 - typed / asked for service, asked, typed, _, _ in rows if asked}
    documents = {service: 1 - brought / needed for service, _, _, needed, brought in rows if needed}
    for service, share in sorted(fields.items()):
        yield figure(f"relief.fields.{service}", share, "share")
    for service, share in sorted(documents.items()):
        yield figure(f"relief.documents.{service}", share, "share")
    yield figure("relief.fields_median", median(fields.values()), "share", 0.85, "at_least")
    yield figure("relief.fields_worst", min(fields.values()), "share", 0.70, "at_least")
    yield figure("relief.documents_median", median(documents.values()), "share", 0.90, "at_least")
    needed, brought = (sum(row[at] for row in rows) for at in (3, 4))
    assert pledged is not None
    yield figure("relief.documents", 1 - brought / needed, "share", 0.90, "at_least")
    yield figure("relief.documents_if_nobody_pledged", 1 - (brought + pledged) / needed, "share")
    yield figure("relief.second_application_fields", _second(stage, rt), "share", 0.95, "at_least")


def _second(stage: Stage, rt: Runtime) -> float:
    """The share of the fields that the same person does not type when they apply a second time."""
    actor, numbers = stage.citizen("wang.fang"), []
    for turn in range(2):
        number = filing.start(rt, actor, "open_restaurant", idem=f"relief-{turn}", now=rt.now())
        with rt.read() as session:
            case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        filing.agree(rt, actor, case_id, declined=(), now=rt.now())
        if turn:
            reusing.take_over(rt, actor, case_id, numbers[0], now=rt.now())
        else:
            filing.save_page(rt, actor, case_id, "menu", {"menu.kind": ["hot"], "menu.seats": 0}, now=rt.now())
            for slot in ("layout", "rules"):
                filing.attach(rt, actor, case_id, slot, f"{slot}.pdf", PDF, now=rt.now())
        filing.submit(rt, actor, case_id, expected=None, idem=f"relief-send-{turn}", now=rt.now())
        numbers.append(number)
    with rt.read() as session:
        row = session.scalars(select(Burden).where(Burden.case_id == case_id)).one()
        return 1 - row.fields_typed / row.fields
