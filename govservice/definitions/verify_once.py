"""Once only: nobody is asked for what a registry holds, and nothing is decided by what it said once."""

from __future__ import annotations

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.reader import Path
from govservice.definitions.verify_graph import Notes, place_of_edge, place_of_step


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


def check_relied_on(notes: Notes) -> None:
    """Where the decision itself is allowed or led by a registry's word, that word is asked again before it: between
    sending and deciding it may have changed."""
    compiled = notes.graph.compiled
    facts = {name: fact for fact, node in compiled.service.facts.items() for name in node.take}
    for edge in (edge for edges in compiled.out.values() for edge in edges):
        if edge.marks != "decided":
            continue
        conditions = [edge.guard, *(target.guard for target in edge.targets)]
        for name in sorted({name for each in conditions if each is not None for name in each.names} & facts.keys()):
            if compiled.service.facts[facts[name]].revalidate is None:
                message = (
                    f"the decision goes by {name!r}, which may have changed since it was fetched. Say "
                    f"`revalidate: {{before: decided, within: 1d, material: any}}` at the fact {facts[name]!r}."
                )
                notes.add("E-REVALIDATE", place_of_edge(edge), message, step=edge.source)


def check_silence(notes: Notes) -> None:
    """Silence may count for the applicant, never against: a timer asks no registry, and what registers do not confirm
    refuses nobody. Who does not give the yes that it takes (`person`) is another matter."""
    compiled = notes.graph.compiled
    if not compiled.service.facts:
        return
    people = {scope for scope, branch in notes.graph.branches.items() if branch.person is not None}
    for step in (step for step in compiled.steps.values() if step.scope not in people):
        for index, timer in enumerate(step.timers):
            edge = compiled.edge(step.path, timer.do)
            if edge is not None and edge.kind == "action" and _against(compiled, edge):
                message = (
                    f"silence would decide against the applicant ({timer.do!r}), and nobody would have asked the "
                    "registries or looked at what they say. Let a person do it: `do: warn` or `do: escalate`."
                )
                notes.add("E-REVALIDATE", (*place_of_step(step.path), "timers", index), message, step=step.path)


def _against(compiled: Compiled, edge: Edge) -> bool:
    """Whether it decides and no grant can follow: by itself, or by the join of the branch that it ends."""
    if edge.marks == "decided" and any(t.to is not None and t.to not in compiled.granting for t in edge.targets):
        return True
    block = compiled.blocks.get(compiled.steps[edge.source].scope.partition(".")[0])
    ends = {target.end for target in edge.targets if target.end is not None}
    return any(
        _against(compiled, join) and join.join is not None and (join.join.source is None or ends & join.join.outcomes)
        for join in (block.joins if block is not None and ends else ())
        if join.marks == "decided"
    )


def _held_by(catalogue: Catalogue, fact_type: str) -> str:
    return next((ref for ref, dataset in catalogue.datasets.items() if fact_type in dataset.fields), "a registry")
