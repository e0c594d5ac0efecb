"""A service as its designer wrote it: the root of the format, one frozen object.

Attribute names differ from keys only where Python reserves the word: `from` -> `start`/`sources`, `to` -> `stop`
(of a limit), `as` -> `as_of`, `if` -> `condition`, `with` -> `with_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from govservice.definitions.questions import Question, question_of
from govservice.definitions.schema_base import (
    Basis,
    Dotted,
    Flag,
    Id,
    Length,
    Line,
    Milestone,
    Node,
    Number,
    Ordered,
    Pausing,
    Text,
    Words,
)
from govservice.definitions.schema_form import Fact, FormField, Material, Page
from govservice.definitions.schema_steps import AlwaysAction, CorrectionNode, StepNode

__all__ = [
    "Extend",
    "Fact",
    "Fee",
    "FormField",
    "Law",
    "LimitNode",
    "Material",
    "Output",
    "Page",
    "Question",
    "Role",
    "Service",
]


class Law(Node):
    """A law that the service rests on: the citation and the law's name."""

    ref: Line
    title: Text | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https://[!-~]{1,300}$")] | None = None


class Extend(Node):
    """The one extension of a limit, who may grant it."""

    by: Length
    role: Id
    once: Flag = True


class LimitNode(Node):
    """A clock of the case, from one milestone to another."""

    start: Milestone = Field(alias="from")
    stop: Milestone = Field(alias="to")
    statutory: Length
    promised: Length | None = None
    basis: Basis
    pauses: tuple[Pausing, ...] = ()
    extend: Extend | None = None


class Money(Node):
    value: Number
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Fee(Node):
    amount: Money
    basis: Basis
    due: Literal["before_review", "before_decision", "before_issue"] = "before_issue"


class Output(Node):
    """The document that the service issues."""

    document: Id
    valid: Length | None = None
    renew_from: Length | None = None
    on_expiry_undecided: Literal["renewed", "expired"] | None = None


class Role(Node):
    department: Id
    area: Dotted | None = None
    title: Text | None = None


class Service(Node):
    """The whole definition of one service."""

    service: Id
    title: Text
    summary: Text | None = None
    department: Id
    audience: tuple[Literal["person", "organisation"], ...] = Field(default=("person",), min_length=1)
    area: Dotted | None = None
    life_events: tuple[Id, ...] = ()
    keywords: Words | None = None
    law: tuple[Law, ...] = ()
    limits: Ordered[Id, LimitNode] = Field(default_factory=dict)
    fee: Fee | None = None
    output: Output | None = None
    facts: Ordered[Id, Fact] = Field(default_factory=dict)
    form: tuple[Page, ...] = ()
    materials: Ordered[Id, Material] = Field(default_factory=dict)
    roles: Ordered[Id, Role] = Field(default_factory=dict)
    start: Id
    correction: CorrectionNode | None = None
    always: Ordered[Id, AlwaysAction] = Field(default_factory=dict)
    steps: Ordered[Id, StepNode]

    @cached_property
    def fields(self) -> Mapping[str, Question]:
        """Every field of the form by its dotted name, in the order of the pages."""
        return MappingProxyType(
            {name: question_of(name, page.page, field) for page in self.form for name, field in page.fields.items()}
        )

    @property
    def pages(self) -> tuple[Page, ...]:
        return self.form
