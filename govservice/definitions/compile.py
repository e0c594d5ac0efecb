"""Compiles a checked service to the frozen form that the engine runs: steps, edges, blocks, one shared machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import rfc8785

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.catalogue_schema import PredicateType
from govservice.definitions.compile_consult import answers, side_steps, with_opinion_roles
from govservice.definitions.compile_edges import RENEWED, EdgeBuilder
from govservice.definitions.compiled import (
    Block,
    Branch,
    Bundle,
    Compiled,
    CorrectionPolicy,
    Deferral,
    Edge,
    Extension,
    Limit,
    Opening,
    Spawn,
    Step,
    TimerRule,
)
from govservice.definitions.expressions import Expression, ExpressionError, compile_expression
from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.implied import with_implied
from govservice.definitions.machine import build_machine
from govservice.definitions.names import Names, vocabulary_of
from govservice.definitions.on_change import change_steps, looked_at
from govservice.definitions.schema import Service
from govservice.definitions.schema_base import CANONICAL
from govservice.definitions.schema_form import FormField, Page, PostCheck
from govservice.definitions.schema_steps import BranchNode, BranchStep, CorrectionNode, StepNode, TimerNode
from govservice.definitions.schema_steps import Spawn as SpawnNode
from govservice.definitions.shape import LAPSE_OUTCOMES
from govservice.worktime.duration import Duration

APPOINT = "@appoint"  # a time is set where the applicant has chosen none
APPOINT_AT, APPOINT_AFTER = Duration(50, "%limit"), Duration(3, "wd")  # half of the step's limit; without one, 3 days
END_TITLES: Mapping[str, Mapping[str, str]] = {
    "granted": {"en": "Granted", "zh": "准予"},
    "refused": {"en": "Refused", "zh": "不予许可"},
    "withdrawn": {"en": "Withdrawn", "zh": "已撤回"},
    "lapsed": {"en": "Lapsed", "zh": "已失效"},
    "terminated": {"en": "Terminated", "zh": "已终止"},
}


def canonical_json(service: Service) -> str:
    """The service as canonical JSON (RFC 8785). Mappings whose order people see are lists of pairs in it."""
    plain = service.model_dump(mode="json", by_alias=True, exclude_none=True, context=CANONICAL)
    return rfc8785.dumps(plain).decode()


def service_from_json(canonical: str) -> Service:
    """Reads canonical JSON back. Raises pydantic's ValidationError."""
    return Service.model_validate(json.loads(canonical), context=CANONICAL)


def sha_of(service: Service) -> str:
    """The version of a service: SHA-256 of its canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(service).encode()).hexdigest()


def compile_service(service: Service, sha: str | None = None, catalogue: Catalogue | None = None) -> Compiled:
    """Compiles a service that passed its checks. `sha` is given where the version was published under it.

    With a catalogue, facts are typed by it and fields that a fact fills get its labels and units. Raises
    DefinitionError where an expression does not compile (a check tells it with its line).
    """
    try:
        return with_implied(_Compiler(service, sha or sha_of(service), catalogue).compile(), catalogue)
    except ExpressionError as error:
        file = f"{service.service}.yaml"
        raise DefinitionError([Finding("E-EXPRESSION", "error", file, 1, None, str(error))]) from None


class _Compiler:
    def __init__(self, service: Service, sha: str, catalogue: Catalogue | None) -> None:
        self.service = with_opinion_roles(with_labels(service, catalogue))
        self.sha = sha
        self.words = vocabulary_of(service, catalogue)
        self.edges = EdgeBuilder(service, self.words)
        self.deferrals = dict(self._deferrals())

    def compile(self) -> Compiled:
        steps, edges = {step.path: step for step in self.steps()}, self.out()
        steps |= {step.path: step for step in side_steps(self.service, steps, edges)}
        looks = {step.path: step for step in change_steps(self.service)}
        out = {path: tuple(found) for path, found in [*edges.items(), *self.answers(steps, edges)]}
        steps, out = steps | looks, out | {path: (looked_at(step),) for path, step in looks.items()}
        return Compiled(
            service=self.service,
            sha=self.sha,
            start=self.service.start,
            steps=MappingProxyType(steps),
            out=MappingProxyType(out),
            blocks=MappingProxyType(dict(self.blocks(out))),
            bundles=MappingProxyType(dict(self.bundles(out))),
            limits=MappingProxyType(dict(self.limits())),
            granting=_granting(steps, out),
            correction=self.policy(self.service.correction),
            deferrals=MappingProxyType(self.deferrals),
            amounts=MappingProxyType(dict(self.amounts())),
            post_checks=MappingProxyType(dict(self.post_checks())),
            not_asked=MappingProxyType(dict(self.not_asked())),
            pledge_conditions=MappingProxyType(dict(self.pledge_conditions())),
            page_conditions=MappingProxyType(dict(self.page_conditions())),
            materiality=MappingProxyType(dict(self.materiality())),
            fact_conditions=MappingProxyType(dict(self.fact_conditions())),
            machine=build_machine(self.service.start, steps, out),
        )

    # -- steps

    def steps(self) -> Iterator[Step]:
        for name, node in self.service.steps.items():
            yield self.main_step(name, node)
            for branch_name, branch in (node.branches or {}).items():
                for inner, step in branch.steps.items():
                    yield self.branch_step(f"{name}.{branch_name}", inner, step, branch)

    def main_step(self, name: str, node: StepNode) -> Step:
        fallback = END_TITLES[node.outcome] if node.outcome else {"en": name, "zh": name}
        return Step(
            path=name, kind=node.kind, title=node.title or fallback, scope="", owner=node.owner, limit=node.limit,
            timers=_timers(node), reads=node.reads or None, outcome=node.outcome, effects=node.effects,
            appointment=node.appointment,
            call=node.do.call if node.do else None, requires_gaps=_gaps(node), retry=_retry(node),
            after_close=node.after_close, opens=self.opens(node),
        )  # fmt: skip

    def opens(self, node: StepNode) -> tuple[Opening, ...]:
        names = self.words.when()
        return tuple(
            Opening(each.step, compile_expression(each.when, names) if each.when is not None else None)
            for each in node.opens or ()
        )

    def branch_step(self, scope: str, name: str, node: BranchStep, branch: BranchNode) -> Step:
        owner = (node.owner or branch.owner) if node.kind == "human" else None
        return Step(
            path=f"{scope}.{name}", kind=node.kind, title=node.title or {"en": name, "zh": name}, scope=scope,
            owner=owner, limit=node.limit, timers=_timers(node), reads=branch.reads or None,
            appointment=node.appointment, call=node.do.call if node.do else None, requires_gaps=_gaps(node),
            retry=_retry(node),
            person=branch.person if node.kind == "applicant" else None,
        )  # fmt: skip

    # -- edges

    def out(self) -> dict[str, list[Edge]]:
        out: dict[str, list[Edge]] = {}
        for name, node in self.service.steps.items():
            out[name] = [*self.edges.of_step(name, "", node, node.owner), *self.edges.joins(name, node)]
            for branch_name, branch in (node.branches or {}).items():
                scope = f"{name}.{branch_name}"
                for inner, step in branch.steps.items():
                    path, owner = f"{scope}.{inner}", step.owner or branch.owner
                    owner = "person" if branch.person and step.kind == "applicant" else owner
                    out[path] = self.edges.of_step(path, scope, step, owner)
            out[name] += self.edges.always(name, node)
            out[name] += self.lapses(name, node, out[name])
        return out

    @staticmethod
    def answers(steps: Mapping[str, Step], edges: Mapping[str, list[Edge]]) -> Iterator[tuple[str, list[Edge]]]:
        """What consulted departments may answer, by side step."""
        for edge in (edge for out in edges.values() for edge in out if edge.consult is not None):
            assert edge.consult is not None
            for path in edge.consult.asks:
                yield path, answers(steps[path], edge.consult)

    def lapses(self, name: str, node: StepNode, edges: list[Edge]) -> list[Edge]:
        """Where a step lapses to: by its timer, for want of an answer to a correction, or of what was put off."""
        ends = {timer.to for timer in node.timers if timer.do == "lapse"}
        if node.kind == "parallel" and node.correction:
            ends.add(self.lapse_to(node.correction))
        elif any(edge.correction for edge in edges) and self.service.correction:
            ends.add(self.lapse_to(self.service.correction))
        named = sorted(end for end in ends if end)
        if node.kind != "end" and not node.after_close and name != self.service.start:
            named += sorted({deferral.to for deferral in self.deferrals.values()} - set(named))
        found = [self.edges.lapse(name, end, index) for index, end in enumerate(named)]
        return found + self.renewals(name, node)

    def renewals(self, name: str, node: StepNode) -> list[Edge]:
        """Where a case goes whose licence expired before it was decided, if the definition lets it be renewed then."""
        output, steps = self.service.output, self.service.steps
        if output is None or output.on_expiry_undecided != "renewed" or node.kind == "end" or node.after_close:
            return []
        granted = next((end for end, step in steps.items() if step.outcome == "granted"), None)
        return [self.edges.renewed(name, granted)] if granted is not None and name != self.service.start else []

    # -- blocks, limits, policies

    def blocks(self, out: Mapping[str, tuple[Edge, ...]]) -> Iterator[tuple[str, Block]]:
        for name, node in self.service.steps.items():
            if node.kind == "parallel":
                branches = tuple(self.branch(name, n, branch, out) for n, branch in (node.branches or {}).items())
                joins = tuple(edge for edge in out[name] if edge.kind == "join")
                yield name, Block(name, branches, self.policy(node.correction), joins)

    def bundles(self, out: Mapping[str, tuple[Edge, ...]]) -> Iterator[tuple[str, Bundle]]:
        for name, node in self.service.steps.items():
            if node.kind == "cases":
                codes = {child.service for child in node.spawn}
                spawns = tuple(self.spawn(child, codes) for child in node.spawn)
                yield name, Bundle(name, spawns, tuple(edge for edge in out[name] if edge.kind == "join"))

    def spawn(self, node: SpawnNode, codes: set[str]) -> Spawn:
        given = dict(node.with_ or {})
        others = dict.fromkeys(source.partition(".")[0] for source in given.values())
        when = self.edges.expression(node.when, self.words.when())
        return Spawn(node.service, when, MappingProxyType(given), tuple(code for code in others if code in codes))

    def branch(self, block: str, name: str, node: BranchNode, out: Mapping[str, tuple[Edge, ...]]) -> Branch:
        scope = f"{block}.{name}"
        ends = [t.end for inner in node.steps for edge in out[f"{scope}.{inner}"] for t in edge.targets if t.end]
        if node.when is not None or node.each is not None:
            ends.append("not_needed")
        return Branch(
            scope=scope, name=name, block=block, title=node.title or {"en": name, "zh": name}, owner=node.owner,
            start=f"{scope}.{node.start}", reads=node.reads, when=self.edges.expression(node.when, self.words.when()),
            outcomes=tuple(dict.fromkeys(ends)), each=node.each, person=node.person,
        )  # fmt: skip

    def limits(self) -> Iterator[tuple[str, Limit]]:
        for name, node in self.service.limits.items():
            more = node.extend
            yield (
                name,
                Limit(
                    name, node.start, node.stop, node.statutory, node.promised, node.basis, node.pauses,
                    Extension(more.by, more.role, more.once) if more is not None else None,
                ),
            )  # fmt: skip

    def policy(self, node: CorrectionNode | None) -> CorrectionPolicy | None:
        if node is None:
            return None
        return CorrectionPolicy(
            within=node.within, lapse_to=self.lapse_to(node), notice=node.notice, collect_within=node.collect_within,
            siblings=node.siblings, clock=node.clock, recheck=node.recheck,
        )  # fmt: skip

    def lapse_to(self, node: CorrectionNode) -> str:
        return node.lapse_to or self.only_lapse()

    def only_lapse(self) -> str:
        """The end that a case lapses to where nothing is said (the checks see to it that one fits)."""
        return next(name for name, step in self.service.steps.items() if step.outcome in LAPSE_OUTCOMES)

    # -- promises of the applicant

    def _deferrals(self) -> Iterator[tuple[str, Deferral]]:
        for name, material in self.service.materials.items():
            if (node := material.deferrable) is not None:
                opens = self.edges.expression(node.condition, self.words.promise())
                yield name, Deferral(node.until, node.within, node.to or self.only_lapse(), opens)

    def not_asked(self) -> Iterator[tuple[str, Expression]]:
        for name, material in self.service.materials.items():
            if material.unless is not None:
                yield name, compile_expression(material.unless, self.words.unless())

    def pledge_conditions(self) -> Iterator[tuple[str, Expression]]:
        for name, material in self.service.materials.items():
            if (way := material.replaced_by) is not None and way.condition is not None:
                yield name, compile_expression(way.condition, self.words.promise())

    def post_checks(self) -> Iterator[tuple[str, PostCheck]]:
        for name, material in self.service.materials.items():
            if material.replaced_by is not None and material.replaced_by.post_check is not None:
                yield name, material.replaced_by.post_check

    # -- expressions outside steps

    def amounts(self) -> Iterator[tuple[str, Expression]]:
        for page in self.service.form:
            for name, field in page.fields.items():
                if field.amount is not None:
                    yield name, compile_expression(field.amount, self.words.when(), number=True)

    def page_conditions(self) -> Iterator[tuple[str, Expression]]:
        for index, page in enumerate(self.service.form):
            if page.show_if is not None:
                yield page.page, compile_expression(page.show_if, self.words.show_if(index))

    def fact_conditions(self) -> Iterator[tuple[str, Expression]]:
        for name, fact in self.service.facts.items():
            if fact.condition is not None:
                yield name, compile_expression(fact.condition, self.words.wanted(name))

    def materiality(self) -> Iterator[tuple[str, Expression]]:
        for name, fact in self.service.facts.items():
            if fact.revalidate is not None and fact.revalidate.material != "any":
                names: Names = self.words.material(name)
                yield name, compile_expression(fact.revalidate.material, names)


def with_labels(service: Service, catalogue: Catalogue | None) -> Service:
    """The service with the catalogue's label and unit on each field that a fact fills and that has none itself."""
    if catalogue is None:
        return service
    told = {name: catalogue.predicates.get(fact.predicate or "") for name, fact in service.facts.items()}
    pages = tuple(_page_with_labels(page, catalogue, told) for page in service.form)
    return service.model_copy(update={"form": pages})


def _page_with_labels(page: Page, catalogue: Catalogue, told: Mapping[str, PredicateType | None]) -> Page:
    fields: dict[str, FormField] = {}
    for name, field in page.fields.items():
        known = catalogue.facts.get(name) if field.fact or field.issued else None
        if known is not None:
            field = field.model_copy(update={"label": field.label or known.label, "unit": field.unit or known.unit})
        elif (predicate := told.get(field.fact or "")) is not None:
            field = field.model_copy(update={"label": field.label or predicate.label})
        fields[name] = field
    return page.model_copy(update={"fields": fields})


def _timers(node: StepNode | BranchStep) -> tuple[TimerRule, ...]:
    """The timers of a step; where a time for a meeting is to be chosen, one that sees to it that there is one."""
    rules = _named(node.timers)
    if node.appointment is None:
        return rules
    return (*rules, TimerRule(str(len(rules)), APPOINT_AT if node.limit is not None else APPOINT_AFTER, APPOINT))


def _named(nodes: tuple[TimerNode, ...]) -> tuple[TimerRule, ...]:
    return tuple(
        TimerRule(
            id=str(index), at=node.at, do=node.do, of=node.of, as_of=node.as_of, to=node.to, to_role=node.to_role,
            note=node.note,
        )
        for index, node in enumerate(nodes)
    )  # fmt: skip


def _gaps(node: StepNode | BranchStep) -> bool:
    return node.requires is not None and node.requires.gaps is not None


def _retry(node: StepNode | BranchStep) -> Mapping[str, object] | None:
    retry = node.do.retry if node.do else None
    return {"max": retry.max, "backoff": retry.backoff} if retry else None


def _granting(steps: Mapping[str, Step], out: Mapping[str, tuple[Edge, ...]]) -> frozenset[str]:
    """Steps of the main token from which a granted end can be reached, and the end itself."""
    good = {path for path, step in steps.items() if step.kind == "end" and step.outcome == "granted"}
    while True:
        more = {path for path in out.keys() - good if _leads_to(good, out[path])}
        if not more:
            return frozenset(good)
        good |= more


def _leads_to(good: set[str], edges: tuple[Edge, ...]) -> bool:
    """What the law does when a licence expires undecided is no way of work: a case to be refused has it too."""
    return any(target.to in good for edge in edges if edge.name != RENEWED for target in edge.targets)
