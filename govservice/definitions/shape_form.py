"""What the keys of facts, fields, materials and limits must look like together."""

from __future__ import annotations

from decimal import Decimal

from govservice.definitions.reader import Path
from govservice.definitions.schema_base import MILESTONES
from govservice.definitions.walk import Raw, Report, children, fields, listing, mapping, word

_NUMBERS = ("integer", "decimal")
_TEXTS = ("text", "address")
_CHOICES = ("choice", "choices")
_KEYS_OF_TYPES = {"options": _CHOICES, "min": _NUMBERS, "max": _NUMBERS, "unit": _NUMBERS, "max_length": _TEXTS}


def check_form(report: Report, data: Raw) -> None:
    _check_pages(report, data)
    seen: dict[str, Path] = {}
    for name, path, field, _ in fields(data):
        if name in seen:
            line = report.source.line(*seen[name])
            report.error("E-DUPLICATE-FIELD", path, f"the field {name!r} stands already in line {line}")
        seen.setdefault(name, path)
        _check_field(report, path, field)
    for name, path in seen.items():
        _check_prefix(report, name, path, seen)
    for name, fact in children(data, "facts"):
        _check_fact(report, ("facts", name), fact)
    for name, material in children(data, "materials"):
        _check_material(report, ("materials", name), material)
    for name, limit in children(data, "limits"):
        _check_limit(report, ("limits", name), limit)


def _check_pages(report: Report, data: Raw) -> None:
    seen: set[str] = set()
    for index, page in enumerate(listing(data, "form")):
        id = word(page, "page")
        if id in seen:
            report.error("E-DUPLICATE-PAGE", ("form", index, "page"), f"the page {id!r} stands twice")
        seen.add(id or "")
        if isinstance(page, dict) and page.get("fields") == {}:
            report.error("E-MISSING", ("form", index, "fields"), "a page has at least one field")


def _check_prefix(report: Report, name: str, path: Path, names: dict[str, Path]) -> None:
    above = name.rpartition(".")[0]
    if above and above in names:
        report.error("E-ID", path, f"the field {above!r} cannot also be the first part of another field's name")


def _check_field(report: Report, path: Path, field: Raw) -> None:
    kind = word(field, "type")
    if "label" not in field and "fact" not in field and "issued" not in field:
        report.error("E-MISSING", path, "'label' is required of a field that people answer")
    if kind in _CHOICES and not mapping(field, "options") and not (kind == "choices" and "fact" in field):
        report.error("E-MISSING", path, f"'options' is required of a field of type {kind}")
    amount = field.get("issued") == "amount"
    if "issued" in field and (kind != ("decimal" if amount else "text") or "fact" in field):
        wanted = "decimal" if amount else "text"
        report.error("E-KEY", (*path, "issued"), f"belongs to a field of type {wanted} that no fact fills")
    if amount != ("amount" in field):
        report.error("E-MISSING", path, "`issued: amount` and the rule in `amount` belong together")
    for key, kinds in _KEYS_OF_TYPES.items():
        if key in field and kind is not None and kind not in kinds:
            report.error("E-KEY", (*path, key), f"does not belong to a field of type {kind}")
    low, high = field.get("min"), field.get("max")
    numbers = [v for v in (low, high) if isinstance(v, (int, Decimal)) and not isinstance(v, bool)]
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        report.error("E-VALUE", (*path, "min"), f"{low} is more than max, {high}")


def _check_fact(report: Report, path: Path, fact: Raw) -> None:
    if bool(fact.get("take")) == ("predicate" in fact):
        report.error("E-FACT", path, "give either `take`, a list of fact types, or `predicate`")
    for index, source in enumerate(listing(fact, "from")):
        if isinstance(source, dict):
            where = (*path, "from", index) if isinstance(fact.get("from"), list) else (*path, "from")
            _check_source(report, where, source)
    sources = [source for source in listing(fact, "from") if isinstance(source, dict)]
    if sources and "vault" in sources[0]:
        report.error("E-FACT", (*path, "from"), "the vault is looked into where registries are silent: name one first")
    for index, way in enumerate(listing(fact, "fallback")):
        if isinstance(way, dict) and "upload" not in way and True not in (way.get("declare"), way.get("nothing")):
            report.error("E-FACT", (*path, "fallback", index), "write `declare`, `nothing` or {upload: MATERIAL}")
        if way == "nothing" and len(listing(fact, "fallback")) > 1:
            report.error("E-FACT", (*path, "fallback", index), "`nothing` stands alone")
    if not fact.get("fallback") and "block" not in fact:
        report.error("E-FACT", path, "say what happens when no source answers: `fallback`, or `block` with the reason")
    if fact.get("consent") == "explicit" and not fact.get("fallback"):
        message = "whoever does not agree brings it themselves, without a penalty: say how (`fallback`)"
        report.error("E-CONSENT", (*path, "consent"), message)
    if "subscribe" in fact and "revalidate" not in fact:
        report.error("E-FACT", (*path, "subscribe"), "belongs to a fact with `revalidate`: what is told is asked again")
    if "opens" in fact and "subscribe" not in fact:
        report.error(
            "E-FACT", (*path, "opens"), "belongs to a fact with `subscribe`: nothing else is told after a grant"
        )
    _check_on_change(report, path, fact)
    if fact.get("pending") == "allowed" and not fact.get("fallback"):
        message = "the applicant is asked for what a register owes: say how they give it (`fallback`)"
        report.error("E-FACT", (*path, "pending"), message)
    if "pending_within" in fact and fact.get("pending") != "allowed":
        report.error("E-FACT", (*path, "pending_within"), "belongs to `pending: allowed`")


def _check_on_change(report: Report, path: Path, fact: Raw) -> None:
    change = fact.get("on_change")
    where = (*path, "on_change")
    if change is not None and "revalidate" not in fact:
        report.error("E-FACT", where, "belongs to a fact with `revalidate`: that says which change counts")
    if isinstance(change, dict):
        if sum(key in change for key in ("do", "task", "pause")) != 1:
            report.error("E-FACT", where, "write `correct`, `pause`, {task: ROLE} or {pause: KIND}")
        for key, owner in (("within", "task"), ("length", "pause")):
            if key in change and owner not in change:
                report.error("E-KEY", (*where, key), f"belongs to {{{owner}: ...}}")
    elif change is not None and not isinstance(change, str):
        report.error("E-FACT", where, "write `correct`, `pause`, {task: ROLE} or {pause: KIND}")


def _check_source(report: Report, path: Path, source: Raw) -> None:
    if ("dataset" in source) == ("vault" in source):
        report.error("E-FACT", path, "a source is either {dataset, grant} or {vault, max_age}")
    elif "dataset" in source and "grant" not in source:
        report.error("E-MISSING", path, "'grant' is required: the right to ask this dataset")
    for key, owner in (("max_age", "vault"), ("grant", "dataset")):
        if key in source and owner not in source:
            report.error("E-KEY", (*path, key), f"belongs to a source with {owner!r}")


def _check_material(report: Report, path: Path, material: Raw) -> None:
    replaced = material.get("replaced_by")
    if isinstance(replaced, dict):
        if not {"fact", "pledge"} & set(replaced):
            report.error("E-MATERIAL", (*path, "replaced_by"), "name a fact, a pledge, or both")
        for key in ("post_check", "if"):
            if key in replaced and "pledge" not in replaced:
                report.error("E-KEY", (*path, "replaced_by", key), "belongs to a pledge")


def _check_limit(report: Report, path: Path, limit: Raw) -> None:
    start, stop = word(limit, "from"), word(limit, "to")
    if start in MILESTONES and stop in MILESTONES and MILESTONES.index(start) >= MILESTONES.index(stop):
        report.error("E-LIMIT", path, f"runs from an earlier to a later milestone, not from {start} to {stop}")
