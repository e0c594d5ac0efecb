"""Facts that conditions read and that no field of the form shows: the compiled form has a page for them.

So a yes or no that only a guard asks for is held, sent, sealed and read like every other answer, and is asked of the
applicant where no source answers and the fact says `declare`. The file itself, and its hash, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.expressions import Expression
from govservice.definitions.schema import Page, Service
from govservice.definitions.schema_form import FormField, brought

PAGE = "register_data"
TITLE = MappingProxyType({"en": "What registers say", "zh": "登记信息"})
_LIST, _YES_NO = "list", "yes_no"


def with_implied(compiled: Compiled, catalogue: Catalogue | None) -> Compiled:
    """The definition with a field for every value that a condition reads and the form does not show."""
    if catalogue is None or not (found := _fields(compiled, catalogue)):
        return compiled
    service = compiled.service
    taken = {page.page for page in service.form}
    name = next(n for n in (PAGE, *(f"{PAGE}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
    page = Page(page=name, title=dict(TITLE), fields=found)
    widened = service.model_copy(update={"form": (page, *service.form)})
    widened.__dict__.pop("fields", None)  # worked out for the form as it was
    return replace(compiled, service=widened, implied=frozenset(found))


def _fields(compiled: Compiled, catalogue: Catalogue) -> dict[str, FormField]:
    service, read = compiled.service, {name for each in conditions(compiled) for name in each.names}
    found = {}
    for fact, node in service.facts.items():
        for name in brought(fact, node):
            if name in read and name not in service.fields and name not in found:
                field = _field(service, fact, name, catalogue)
                if field is not None:
                    found[name] = field
    return found


def _field(service: Service, fact: str, name: str, catalogue: Catalogue) -> FormField | None:
    node, known = service.facts[fact], catalogue.facts.get(name)
    label = catalogue.label(node.predicate or name)
    if label is None or (known is None and node.predicate is None):
        return None  # a name of an open file: nothing is known of its type
    kind = _YES_NO if known is None else "choices" if known.type == _LIST else known.type
    told = {"type": kind, "fact": fact, "label": dict(label), "required": node.declarable or node.block is not None}
    unit = known.unit if known is not None else None
    return FormField.model_validate({**told, **({"unit": unit} if unit and kind in ("integer", "decimal") else {})})


def conditions(compiled: Compiled) -> Iterator[Expression]:
    """Every expression that decides where a case goes or what is asked."""
    yield from compiled.page_conditions.values()
    yield from compiled.fact_conditions.values()
    yield from compiled.promise_conditions
    yield from compiled.not_asked.values()
    for edges in compiled.out.values():
        for edge in edges:
            yield from (g for g in (edge.guard, *(target.guard for target in edge.targets)) if g is not None)
    for block in compiled.blocks.values():
        yield from (branch.when for branch in block.branches if branch.when is not None)
    for bundle in compiled.bundles.values():
        yield from (child.when for child in bundle.spawns if child.when is not None)
