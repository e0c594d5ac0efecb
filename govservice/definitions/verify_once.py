"""Once only: nobody is asked for what a registry holds."""

from __future__ import annotations

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.reader import Path
from govservice.definitions.verify_graph import Notes


def check_once_only(notes: Notes, catalogue: Catalogue) -> None:
    """Fields and materials on the do-not-ask list come from their registry first (政务数据共享条例 art. 19)."""
    service = notes.loaded.service
    for index, page in enumerate(service.form):
        for name, field in page.fields.items():
            kind = catalogue.facts.get(name)
            if kind is not None and kind.do_not_ask and field.fact is None and field.issued is None:
                place: Path = ("form", index, "fields", name)
                message = (
                    f"asks people for {kind.label['en']!r} ({name}), which {_held_by(catalogue, name)} holds. "
                    "Let a fact fill it: add one that takes it, and `fact:` here."
                )
                notes.add("E-ONCE-ONLY", place, message)
    for name, material in service.materials.items():
        paper = catalogue.replaced.get(name)
        if paper is not None and (material.replaced_by is None or material.replaced_by.fact is None):
            message = (
                f"asks people for {paper.label['en']!r}, which {paper.dataset} holds. "
                "Fetch that as a fact and say `replaced_by` here."
            )
            notes.add("E-ONCE-ONLY", ("materials", name), message)


def _held_by(catalogue: Catalogue, fact_type: str) -> str:
    return next((ref for ref, dataset in catalogue.datasets.items() if fact_type in dataset.fields), "a registry")
