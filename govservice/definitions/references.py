"""Every name that a definition uses must be declared in it: steps, roles, limits, fields, facts, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from govservice.definitions.findings import did_you_mean
from govservice.definitions.joins import RESERVED_OUTCOMES
from govservice.definitions.reader import Path
from govservice.definitions.shape import lapse_ends
from govservice.definitions.walk import (
    TIMER_ACTS,
    Raw,
    Report,
    StepAt,
    Way,
    actions,
    all_steps,
    branches,
    children,
    fields,
    listing,
    main_steps,
    mapping,
    timers,
    ways,
    word,
    words,
)


def check_references(report: Report, data: Raw) -> None:
    """Adds a finding for each unknown name. Needs no catalogue."""
    _check_step(report, ("start",), word(data, "start"), mapping(data, "steps"))
    for way in ways(data):
        _check_targets(report, data, way)
    for way in actions(data):
        _check_action(report, data, way)
    for step in all_steps(data):
        _check_owner(report, data, (*step.path, "owner"), word(step.data, "owner"))
        _check_reads(report, data, step.path, step.data)
        for name in words(mapping(step.data, "requires"), "fields"):
            _check_field_name(report, data, (*step.path, "requires", "fields"), name)
        for path, timer in timers(step):
            _check_timer(report, data, step, path, timer)
        for name, path, branch in branches(step):
            _check_branch(report, data, name, path, branch)
        _check_end(
            report, data, (*step.path, "correction", "lapse_to"), word(mapping(step.data, "correction"), "lapse_to")
        )
    _check_end(report, data, ("correction", "lapse_to"), word(mapping(data, "correction"), "lapse_to"))
    for name, limit in children(data, "limits"):
        _check_owner(report, data, ("limits", name, "extend", "role"), word(mapping(limit, "extend"), "role"))
    _check_areas(report, data)
    _check_fields(report, data)
    _check_facts(report, data)
    _check_materials(report, data)
    _check_openings(report, data)


def known(report: Report, code: str, path: Path, name: str | None, names: Iterable[str], what: str) -> bool:
    """Reports a name that is not among `names`; None counts as known."""
    if name is None:
        return True
    declared = names if isinstance(names, (dict, Set)) else frozenset(names)
    if name in declared or report.full:
        return name in declared
    report.error(code, path, f"the {what} {name!r} is unknown{did_you_mean(name, declared)}")
    return False


def first_parts(data: Raw) -> set[str]:
    """What `reads` may name: the first part of field names, facts and materials."""
    parts = {name.partition(".")[0] for name, _, _, _ in fields(data)}
    return parts | set(mapping(data, "facts")) | set(mapping(data, "materials"))


def branch_outcomes(block: StepAt) -> set[str]:
    """The outcomes that the branches of a parallel step can have."""
    found: set[str] = set()
    for name, _, branch in branches(block):
        if "when" in branch:
            found.add("not_needed")
        for step in all_steps({"steps": {block.id: {"branches": {name: branch}}}}):
            for way in ways({"steps": {step.id: step.data}}):
                found |= {end for _, alternative in way.alternatives() if (end := word(alternative, "end"))}
    return found


def _check_step(report: Report, path: Path, name: str | None, steps: Raw) -> bool:
    return known(report, "E-UNKNOWN-STEP", path, name, steps, "step")


def _check_targets(report: Report, data: Raw, way: Way) -> None:
    inside = way.step is not None and way.step.in_branch
    steps = way.step.siblings if inside and way.step else mapping(data, "steps")
    for path, alternative in way.alternatives():
        target = word(alternative, "to")
        if inside and target in mapping(data, "steps") and target not in steps:
            report.error("E-CROSSES-BORDER", path, f"{target!r} lies outside the branch; use `end` and a join rule")
        else:
            _check_step(report, path, target, steps)


def _check_action(report: Report, data: Raw, way: Way) -> None:
    by = word(way.data, "by")
    if by not in ("applicant", "system"):
        _check_owner(report, data, (*way.path, "by"), by)
    for name in words(way.data, "unless"):
        _check_step(report, (*way.path, "unless"), name, mapping(data, "steps"))
    forbidden = words(way.data, "not_same_as")
    labels = {step.label: step for step in all_steps(data)} if forbidden else {}
    for label in forbidden:
        if known(report, "E-UNKNOWN-STEP", (*way.path, "not_same_as"), label, labels, "step"):
            kind = labels[label].kind
            if kind != "human":
                report.error(
                    "E-UNKNOWN-STEP", (*way.path, "not_same_as"), f"{label!r} is not a step of people but {kind}"
                )
    check = word(way.data, "conditions")
    steps = mapping(data, "steps")
    declared = _check_step(report, (*way.path, "conditions"), check, steps)
    if declared and check is not None and mapping(steps, check).get("after_close") is not True:
        report.error("E-AFTER-CLOSE", (*way.path, "conditions"), f"the step {check!r} must say `after_close: true`")
    for name in words(mapping(way.data, "requires"), "fields"):
        _check_field_name(report, data, (*way.path, "requires", "fields"), name)


def _check_owner(report: Report, data: Raw, path: Path, role: str | None) -> None:
    known(report, "E-UNKNOWN-ROLE", path, role, mapping(data, "roles"), "role")


def _check_timer(report: Report, data: Raw, step: StepAt, path: Path, timer: Raw) -> None:
    do = word(timer, "do")
    if do not in TIMER_ACTS:
        known(report, "E-UNKNOWN-ACTION", (*path, "do"), do, mapping(step.data, "actions"), "action")
    _check_owner(report, data, (*path, "to_role"), word(timer, "to_role"))
    known(report, "E-UNKNOWN-LIMIT", (*path, "of"), word(timer, "of"), mapping(data, "limits"), "limit")
    if do == "lapse":
        _check_end(report, data, (*path, "to"), word(timer, "to"))


def _check_reads(report: Report, data: Raw, path: Path, node: Raw) -> None:
    reads = words(node, "reads")
    readable = first_parts(data) if reads else set()
    for part in reads:
        known(report, "E-UNKNOWN-READS", (*path, "reads"), part, readable, "field group, fact or material")


def _check_branch(report: Report, data: Raw, name: str, path: Path, branch: Raw) -> None:
    _check_owner(report, data, (*path, "owner"), word(branch, "owner"))
    _check_step(report, (*path, "start"), word(branch, "start"), mapping(branch, "steps"))
    _check_reads(report, data, path, branch)
    each = word(branch, "each")
    kinds = {field: word(node, "type") for field, _, node, _ in fields(data)}
    named = known(report, "E-UNKNOWN-FIELD", (*path, "each"), each, kinds, "field")
    if named and each is not None and kinds[each] not in ("choices", "text"):
        report.error("E-UNKNOWN-FIELD", (*path, "each"), f"{each!r} is not a list: give a field of type choices")
    _check_person(report, path, branch, kinds)


def _check_person(report: Report, path: Path, branch: Raw, kinds: Mapping[str, str | None]) -> None:
    person, each = word(branch, "person"), word(branch, "each")
    named = known(report, "E-UNKNOWN-FIELD", (*path, "person"), person, kinds, "field")
    if named and person is not None and kinds[person] != "text" and person != each:
        message = f"{person!r} names nobody: give a field of type text, or the list of `each`"
        report.error("E-UNKNOWN-FIELD", (*path, "person"), message)


def _check_end(report: Report, data: Raw, path: Path, name: str | None) -> None:
    declared = _check_step(report, path, name, mapping(data, "steps"))
    if declared and name is not None and word(mapping(data, "steps", name), "kind") != "end":
        report.error("E-NOT-AN-END", path, f"{name!r} is not an end")
    elif declared and name is not None and word(mapping(data, "steps", name), "outcome") == "granted":
        report.error("E-LAPSE", path, f"{name!r} grants: who does not answer in time is not granted anything")


def _check_areas(report: Report, data: Raw) -> None:
    """The case's jurisdiction and that of a role which has one of its own: answers to a question for a district."""
    kinds = {field: word(node, "type") for field, _, node, _ in fields(data)}
    places: list[tuple[Path, str | None]] = [(("area",), word(data, "area"))]
    places += [(("roles", code, "area"), word(node, "area")) for code, node in children(data, "roles")]
    for path, area in places:
        if area is None:
            continue
        prefix, _, name = area.partition(".")
        if prefix != "form":
            report.error("E-AREA", path, f"{area!r}: write form. and the name of a field of type district")
        elif known(report, "E-UNKNOWN-FIELD", path, name, kinds, "field") and kinds[name] != "district":
            report.error("E-AREA", path, f"{name!r} is of type {kinds[name]}, not district")


def _check_field_name(report: Report, data: Raw, path: Path, name: str) -> None:
    known(report, "E-UNKNOWN-FIELD", path, name, [field for field, _, _, _ in fields(data)], "field")


def _check_fields(report: Report, data: Raw) -> None:
    facts = mapping(data, "facts")
    for name, path, node, _ in fields(data):
        fact = word(node, "fact")
        if not known(report, "E-UNKNOWN-FACT", (*path, "fact"), fact, facts, "fact") or fact is None:
            continue
        taken = words(facts[fact], "take") or [fact]  # a yes or no bears the fact's own name
        if name not in taken:
            report.error(
                "E-UNKNOWN-FACT",
                (*path, "fact"),
                f"the fact {fact!r} does not take {name!r}{did_you_mean(name, taken)}",
            )


def _check_facts(report: Report, data: Raw) -> None:
    materials = mapping(data, "materials")
    for name, fact in children(data, "facts"):
        path: Path = ("facts", name)
        _check_owner(report, data, (*path, "on_change"), word(mapping(fact, "on_change"), "task"))
        _check_opened(report, data, (*path, "opens"), word(fact, "opens"))
        for index, way in enumerate(listing(fact, "fallback")):
            upload = word(way, "upload")
            where: Path = (*path, "fallback", index)
            if known(report, "E-UNKNOWN-MATERIAL", where, upload, materials, "material") and upload is not None:
                replaced = materials[upload].get("replaced_by") if isinstance(materials[upload], dict) else None
                if name not in (replaced, replaced.get("fact") if isinstance(replaced, dict) else None):
                    report.error("E-MATERIAL", where, f"the material {upload!r} must say `replaced_by: {name}`")


def _check_openings(report: Report, data: Raw) -> None:
    """What begins with an end is a step that lives on after the case has closed."""
    for step in main_steps(data):
        for index, each in enumerate(listing(step.data, "opens")):
            _check_opened(report, data, (*step.path, "opens", index, "step"), word(each, "step"))


def _check_opened(report: Report, data: Raw, path: Path, name: str | None) -> None:
    steps = mapping(data, "steps")
    if name is None or not _check_step(report, path, name, steps):
        return
    if mapping(steps, name).get("after_close") is not True:
        report.error("E-AFTER-CLOSE", path, f"the step {name!r} must say `after_close: true`")


def _check_materials(report: Report, data: Raw) -> None:
    steps = mapping(data, "steps")
    for name, material in children(data, "materials"):
        path: Path = ("materials", name, "replaced_by")
        replaced = material.get("replaced_by")
        fact = word(replaced, "fact") if isinstance(replaced, dict) else word(material, "replaced_by")
        known(report, "E-UNKNOWN-FACT", path, fact, mapping(data, "facts"), "fact")
        check = word(mapping(replaced, "post_check"), "step")
        declared = _check_step(report, (*path, "post_check", "step"), check, steps)
        if declared and check is not None and mapping(steps, check).get("after_close") is not True:
            report.error(
                "E-MATERIAL", (*path, "post_check", "step"), f"the step {check!r} must say `after_close: true`"
            )
        deferral: Path = ("materials", name, "deferrable")
        deferrable = mapping(material, "deferrable")
        _check_step(report, (*deferral, "until"), word(deferrable, "until"), steps)
        _check_end(report, data, (*deferral, "to"), word(deferrable, "to"))
        if deferrable and "to" not in deferrable and len(lapse_ends(data)) != 1:
            report.error("E-MISSING", deferral, "'to' is required, because not exactly one end fits")


def check_outcomes(report: Report, block: StepAt, path: Path, named: Iterable[str]) -> None:
    """Outcomes that a join rule names must be outcomes of the step's branches."""
    declared = branch_outcomes(block)
    for outcome in sorted(named):
        if outcome not in declared and outcome not in RESERVED_OUTCOMES:
            near = did_you_mean(outcome, declared)
            report.error("E-UNKNOWN-OUTCOME", path, f"no branch ends with {outcome!r}{near}")
        elif outcome == "not_needed" and outcome not in declared:
            report.add("W-OUTCOME", "warning", path, "no branch has a `when`, so none is ever not_needed")
