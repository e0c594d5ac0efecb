"""Which answers to a service's conditions can be true together, for a case that was filed as the form asks.

Exact as far as `verify_domains` understands the tests; where it does not, or where there are too many combinations, the
answer is "yes, possible": nothing is refused by a guess.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from govservice.definitions.expressions import Expression
from govservice.definitions.names import PLEDGES
from govservice.definitions.schema import Service
from govservice.definitions.verify_domains import OPPOSITE, Clause, Test, alternatives, possible

MAX_CLAUSES = 256  # kept per combination; more = possible
ALWAYS_KNOWN = frozenset({"case.number", "case.channel", PLEDGES})
_RELATIONS = frozenset("<=>")
Said = tuple[str, bool]  # the text of a condition, and whether it holds


class Data:
    """Weighs combinations of conditions over one service's form."""

    def __init__(self, service: Service, expressions: Iterable[Expression]) -> None:
        self.fields = service.fields
        self.known = ALWAYS_KNOWN | _required(service)
        self.conditions = {each.source: each for each in expressions}
        self._ways: dict[Said, list[Clause] | None] = {}
        self._answers: dict[frozenset[Said], bool] = {}

    def can_be(self, said: Mapping[str, bool]) -> bool:
        """Whether some answers that the form accepts give every condition (by its text) this outcome."""
        key = frozenset(said.items())
        if key not in self._answers:
            self._answers[key] = self._weigh(key)
        return self._answers[key]

    def _weigh(self, said: frozenset[Said]) -> bool:
        clauses: list[Clause] = [()]
        for each in sorted(said):
            found = self._ways_of(each)
            if found is None or len(clauses) * len(found) > MAX_CLAUSES:
                return True
            clauses = [(*one, *other) for one in clauses for other in found]
            clauses = [clause for clause in clauses if possible(clause, self.fields)]
        return bool(clauses)

    def _ways_of(self, said: Said) -> list[Clause] | None:
        if said not in self._ways:
            source, wanted = said
            true = alternatives(self.conditions[source].tree)
            found = true if wanted or true is None else self._failing(true)
            if found is not None:
                found = [c for c in found if self._agrees(c) and possible(c, self.fields)]
            self._ways[said] = found
        return self._ways[said]

    def _failing(self, true: list[Clause]) -> list[Clause] | None:
        """The ways in which none of these holds: in each, one test fails or lacks a value."""
        clauses: list[Clause] = [()]
        for clause in true:
            failures = [failure for test in clause for failure in self._failures(test)]
            clauses = [(*one, failure) for one in clauses for failure in failures]
            if len(clauses) > MAX_CLAUSES:
                return None
        return clauses

    def _failures(self, test: Test) -> Iterator[Test]:
        yield opposite(test)
        for name in test.names - self.known:
            yield Test(f"has({name})", None, False, frozenset())

    def _agrees(self, clause: Clause) -> bool:
        """What the form requires is there once the case was filed."""
        return not any(t.value is False and t.subject in {f"has({name})" for name in self.known} for t in clause)


def opposite(test: Test) -> Test:
    """The test that holds where this one fails, its values known."""
    if test.op is None:
        return replace(test, value=not test.value)
    if " <=> " in test.subject:
        return replace(test, op=ast.In, value=_RELATIONS - test.value)
    return replace(test, op=OPPOSITE[test.op])


def _required(service: Service) -> frozenset[str]:
    """Fields that every filed case has: what people must answer on pages that are always shown. A registry may know
    nothing."""
    asked = [field for page in service.form if page.show_if is None for field in page.fields.items()]
    return frozenset(name for name, field in asked if field.required and field.fact is None)
