"""What must hold of a service's facts beside their shape: what is looked into, of when, shown to whom."""

from __future__ import annotations

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.findings import did_you_mean
from govservice.definitions.reader import Path
from govservice.definitions.walk import Raw, Report, children, listing, mapping, word, words

VAULT_FACTS = "facts"  # the name that stands for facts of earlier cases


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
