"""Bundles: one life event, one form, several cases. `workflows/bundles/` holds them in the format of a service.

A bundle's form is its own pages and, after them, those of its children, each field once: what is asked for one child is
not asked again for another, and what a child gets `with` something else is not asked at all. The merged form is part of
the bundle's definition, so that it is checked, hashed and pinned like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from govservice.definitions.findings import did_you_mean
from govservice.definitions.reader import Path, Source
from govservice.definitions.shape import lapse_ends
from govservice.definitions.walk import Raw, Report, StepAt, children, fields, listing, main_steps, mapping, word, words

Services = Mapping[str, Raw]

# What a child does about a fact it does by itself: these keys name its own steps and roles, and what they hold up is
# its own decision. The bundle is sent when everything is known.
CHILDS_OWN = frozenset({"revalidate", "on_change", "subscribe", "opens", "pending", "pending_within"})


def is_bundle(data: Any) -> bool:
    return any(step.kind == "cases" for step in main_steps(data))


def expanded(source: Source, services: Services) -> Source:
    """The same file with the merged form; a file without a step of kind `cases` as it is."""
    if not isinstance(source.data, dict) or not is_bundle(source.data):
        return source
    return Source(merged(source.data, services), source.lines)


def merged(data: Raw, services: Services) -> Raw:
    """The data of a bundle with its children's pages, facts and materials. Children that are unknown add nothing."""
    merge = _Merge(data)
    for _, _, child in spawned(data):
        service = services.get(word(child, "service") or "")
        if service is not None:
            merge.add(child, service)
    parts = {"form": merge.pages, "facts": merge.facts, "materials": merge.materials}
    return {**data, **{key: value for key, value in parts.items() if value}}


def spawned(data: Raw) -> Iterator[tuple[StepAt, Path, Raw]]:
    """The children of a bundle where they stand."""
    for step in main_steps(data):
        for index, child in enumerate(listing(step.data, "spawn")):
            if isinstance(child, dict):
                yield step, (*step.path, "spawn", index), child


@dataclass
class _Merge:
    data: Raw
    pages: list[Any] = field(init=False)
    facts: dict[str, Any] = field(init=False)
    materials: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.pages = [dict(p) for p in listing(self.data, "form") if isinstance(p, dict)]
        self.facts, self.materials = dict(mapping(self.data, "facts")), dict(mapping(self.data, "materials"))

    @property
    def known(self) -> set[str]:
        return {name for page in self.pages for name in mapping(page, "fields")}

    def add(self, child: Raw, service: Raw) -> None:
        given, when = mapping(child, "with"), word(child, "when")
        for page in listing(service, "form"):
            if isinstance(page, dict):
                self._page(page, given, when, mapping(service, "facts"))
        for name, material in children(service, "materials"):
            replaced = material.get("replaced_by")
            fact = word(replaced, "fact") if isinstance(replaced, dict) else replaced
            if isinstance(fact, str):  # it stands for the paper with everything that the child takes of it
                facts = mapping(service, "facts")
                self._fact(fact, facts, tuple(words(facts.get(fact), "take")))
            self.materials.setdefault(name, self._material(material))

    def _material(self, material: Raw) -> Raw:
        """What the applicant may promise instead of a document is promised with the bundle. Whether it is kept, and
        what waits for it, is the child's; what comes later may come at the latest while the departments work."""
        new, replaced, deferrable = dict(material), material.get("replaced_by"), material.get("deferrable")
        if isinstance(replaced, dict):
            new["replaced_by"] = {k: v for k, v in replaced.items() if k != "post_check"}
        if isinstance(deferrable, dict):
            until, ends = next(s.id for s in main_steps(self.data) if s.kind == "cases"), lapse_ends(self.data)
            new["deferrable"] = {**deferrable, "until": until, "to": ends[0]} if ends else None
        return {key: value for key, value in new.items() if value is not None}

    def _page(self, page: Raw, given: Raw, when: str | None, facts: Raw) -> None:
        conditions = [f"({c})" for c in (when, word(page, "show_if")) if c]
        shown = " and ".join(conditions) if len(conditions) > 1 else (conditions[0][1:-1] if conditions else None)
        same = next((p for p in self.pages if p.get("page") == page.get("page")), None)
        if same is not None:
            _widen(same, shown)
        new = {
            n: f for n, f in children(page, "fields") if n not in given and n not in self.known and "issued" not in f
        }
        for name, node in new.items():
            if isinstance(node.get("fact"), str):
                self._fact(node["fact"], facts, (name,))
            for told in words(node, "default"):  # what may stand in the field is fetched with it
                for fact in (code for code, each in facts.items() if told in words(each, "take")):
                    self._fact(fact, facts, (told,))
        if same is not None:
            same["fields"] = {**mapping(same, "fields"), **new}
        elif new:
            condition = {"show_if": shown} if shown else {}
            self.pages.append({**{k: v for k, v in page.items() if k != "show_if"}, **condition, "fields": new})

    def _fact(self, name: str, facts: Raw, taken: tuple[str, ...]) -> None:
        """The fact with what the merged form takes of it: nothing is fetched that no child needs."""
        node = facts.get(name)
        if not isinstance(node, dict):
            return
        old = words(self.facts[name], "take") if name in self.facts else []
        kept = self.facts.get(name) or {key: value for key, value in node.items() if key not in CHILDS_OWN}
        self.facts[name] = {**kept, "take": [*old, *(t for t in taken if t not in old)]}


def _widen(page: dict[str, Any], shown: str | None) -> None:
    """A page that a second child needs too is shown where either does."""
    before = page.get("show_if")
    if before is None or shown is None:
        page.pop("show_if", None)
    elif before != shown:
        page["show_if"] = f"({before}) or ({shown})"


# -- what must hold between a bundle and its children


def check_bundle(report: Report, data: Raw, services: Services) -> None:
    """Adds faults between a bundle and the services of its children; `data` is the merged form."""
    seen: dict[str, Raw] = {}
    for _, path, child in spawned(data):
        code = word(child, "service") or ""
        if code not in services:
            message = f"the service {code!r} is unknown{did_you_mean(code, services)}"
            report.error("E-UNKNOWN-SERVICE", (*path, "service"), message)
        if code in seen:
            report.error("E-DUPLICATE-SERVICE", (*path, "service"), f"{code!r} stands twice in this bundle")
        seen[code] = child
    asked = {name for name, _, _, _ in fields(data)}
    for _, path, child in spawned(data):
        service = services.get(word(child, "service") or "")
        if service is not None:
            _check_child(report, path, child, service, asked, {c: services.get(c) for c in seen})
            _check_audience(report, path, data, service)
    _check_circle(report, seen, next((path for _, path, _ in spawned(data)), ()))


def _check_child(
    report: Report, path: Path, child: Raw, service: Raw, asked: set[str], siblings: Mapping[str, Raw | None]
) -> None:
    own = {name for name, _, _, _ in fields(service)}
    for name, source in mapping(child, "with").items():
        where = (*path, "with", name)
        if name not in own:
            report.error("E-UNKNOWN-FIELD", where, f"the child has no field {name!r}{did_you_mean(name, own)}")
        sibling, _, result = str(source).partition(".")
        if sibling in siblings:
            results = {field for field, _, _, _ in fields(siblings[sibling] or {})}
            if siblings[sibling] is not None and result not in results:
                message = f"{sibling!r} has no field {result!r}{did_you_mean(result, results)}"
                report.error("E-UNKNOWN-FIELD", where, message)
        elif source not in asked:
            message = f"{source!r} is no field of the bundle and no other child{did_you_mean(str(source), asked)}"
            report.error("E-UNKNOWN-FIELD", where, message)


def _check_audience(report: Report, path: Path, data: Raw, service: Raw) -> None:
    wanted, offered = words(data, "audience") or ["person"], words(service, "audience") or ["person"]
    if missing := [who for who in wanted if who not in offered]:
        report.error("E-AUDIENCE", path, f"its service is not for {', '.join(missing)}, but the bundle is")


def _check_circle(report: Report, seen: Mapping[str, Raw], path: Path) -> None:
    """Children that wait for each other would wait for ever."""
    waits = {
        code: {str(s).partition(".")[0] for s in mapping(child, "with").values()} & set(seen)
        for code, child in seen.items()
    }
    done: set[str] = set()
    while ready := {code for code, others in waits.items() if code not in done and others <= done}:
        done |= ready
    if stuck := sorted(set(waits) - done):
        report.error("E-BUNDLE-CIRCLE", path, f"these wait for each other and never begin: {', '.join(stuck)}")
