"""What must hold of a service's facts beside their shape: what is looked into, of when, shown to whom."""

from __future__ import annotations

import re

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.findings import did_you_mean
from govservice.definitions.reader import Path
from govservice.definitions.walk import Raw, Report, children, fields, listing, mapping, word, words

VAULT_FACTS = "facts"  # the name that stands for facts of earlier cases
_DOTTED = re.compile(r"[a-z][a-z0-9_.]*")
_ALIKE = {"address": "text", "choices": "list"}  # kinds of values that fit into one another


def check_changes(report: Report, data: Raw) -> None:
    """What a change leads to must have a way: `correct` needs somebody who may ask the applicant."""
    asks = "correction" in data or any("correction" in step for _, step in children(data, "steps"))
    for name, fact in children(data, "facts"):
        change = fact.get("on_change")
        if (change == "correct" or word(change, "do") == "correct") and not asks:
            message = "`correct` needs a `correction` of the service or of a parallel step: how long, and what then"
            report.error("E-ON-CHANGE", ("facts", name, "on_change"), message)


def check_facts(report: Report, data: Raw, catalogue: Catalogue) -> None:
    """Adds a finding for each fact that could not be asked for, kept or shown as it says."""
    for name, fact in children(data, "facts"):
        path: Path = ("facts", name)
        _check_vault(report, data, catalogue, path, fact)
        _check_period(report, catalogue, path, fact)
        _check_shown(report, catalogue, path, fact)
    _check_conditions(report, data)
    _check_defaults(report, data, catalogue)


def _check_conditions(report: Report, data: Raw) -> None:
    """What decides whether a register is asked is known before: no condition waits for another that may fail."""
    taken = {n: fact for fact, node in children(data, "facts") if "if" in node for n in (*words(node, "take"), fact)}
    for name, fact in children(data, "facts"):
        for read in sorted({*_DOTTED.findall(word(fact, "if") or "")} & taken.keys()):
            message = f"{read!r} is itself asked for under a condition ({taken[read]!r}): write that condition here"
            if taken[read] != name:  # its own values are unknown names here (`Vocabulary.wanted`)
                report.error("E-FACT", ("facts", name, "if"), message)


def _check_defaults(report: Report, data: Raw, catalogue: Catalogue) -> None:
    """What stands in a field until somebody changes it is a value of the same kind that is known by then."""
    told = {n: catalogue.facts[n].type for _, f in children(data, "facts") for n in words(f, "take")
            if n in catalogue.facts}  # fmt: skip
    asked = {name: (word(node, "type") or "", page) for name, _, node, page in fields(data)}
    for name, path, node, page in fields(data):
        if "default" in node and ("fact" in node or "issued" in node):
            report.error("E-KEY", (*path, "default"), "belongs to a field that people answer")
        earlier = {n: kind for n, (kind, at) in asked.items() if at < page} | told
        for source in words(node, "default"):
            where: Path = (*path, "default")
            if source not in earlier:
                near = did_you_mean(source, earlier)
                message = f"{source!r} is neither taken by a fact nor asked on an earlier page{near}"
                report.error("E-DEFAULT", where, message)
            elif _alike(earlier[source]) != _alike(word(node, "type") or ""):
                report.error("E-DEFAULT", where, f"{source!r} is of type {earlier[source]}, {name!r} is not")


def _alike(kind: str) -> str:
    return _ALIKE.get(kind, kind)


def _check_vault(report: Report, data: Raw, catalogue: Catalogue, path: Path, fact: Raw) -> None:
    """The vault holds facts of earlier cases, documents that services issue, and papers that people bring."""
    known = {VAULT_FACTS, *catalogue.documents, *catalogue.replaced, *mapping(data, "materials")}
    single = not isinstance(fact.get("from"), list)
    for index, source in enumerate(listing(fact, "from")):
        vault = word(source, "vault")
        if vault is not None and vault not in known:
            where: Path = (*path, "from") if single else (*path, "from", index)
            near = did_you_mean(vault, known)
            message = f"the vault holds no {vault!r}{near}: write `facts`, a document that is issued, or a material"
            report.error("E-UNKNOWN-VAULT", where, message)


def _check_period(report: Report, catalogue: Catalogue, path: Path, fact: Raw) -> None:
    period = word(fact, "as_of")
    for source in listing(fact, "from"):
        dataset = catalogue.datasets.get(word(source, "dataset") or "")
        if period is not None and dataset is not None and period not in dataset.periods:
            can = ", ".join(dataset.periods) or "no period at all"
            message = f"{word(source, 'dataset')} cannot be asked for {period!r}; it can be asked for: {can}"
            report.error("E-AS-OF", (*path, "as_of"), message)


def _check_shown(report: Report, catalogue: Catalogue, path: Path, fact: Raw) -> None:
    """Keeping from people what is known of them needs a law that says so; who applies is not theirs to change."""
    kinds = {taken: catalogue.facts.get(taken) for taken in words(fact, "take")}
    party = [name for name, kind in kinds.items() if kind is not None and kind.party is not None]
    if fact.get("show") == "editable" and party:
        message = f"{party[0]!r} says who applies: nobody changes that; put what may be changed into a fact of its own"
        report.error("E-FACT", (*path, "show"), message)
    purpose = catalogue.purposes.get(word(fact, "purpose") or "")
    if fact.get("show") == "hidden" and purpose is not None and purpose.hides is None:
        message = f"no law lets this be hidden: the purpose {word(fact, 'purpose')} says nothing under `hides`"
        report.error("E-HIDDEN", (*path, "show"), message)
