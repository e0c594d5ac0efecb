"""What a service needs from people and registries: facts, form, materials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from govservice.definitions.periods import Period
from govservice.definitions.schema_base import (
    Count,
    Dotted,
    ExpressionText,
    FieldName,
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
    one_or_list,
    written_as,
)

DatasetRef = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*/[1-9][0-9]{0,3}$")]
GrantRef = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*-[0-9A-Z]+$")]
FileKind = Literal["pdf", "png", "jpg", "docx", "xlsx", "dwg", "zip"]
FieldType = Literal["text", "address", "district", "integer", "decimal", "date", "choice", "choices", "yes_no"]


class Source(Node):
    """Where a fact comes from: a dataset under a grant, or this person's own earlier papers (`vault`)."""

    dataset: DatasetRef | None = None
    grant: GrantRef | None = None
    vault: Id | None = None
    max_age: Length | None = None


def _fallback(value: Any) -> Any:
    return {value: True} if value in ("declare", "nothing") else value


class FallbackWay(Node):
    """What the citizen may do when no source answers: declare the value, or upload a material. `nothing`: they are not
    asked, for their own word would count for nothing; what depends on it stays closed."""

    declare: Flag = False
    nothing: Flag = False
    upload: Id | None = None


class Revalidate(Node):
    """Asked again before a milestone is marked; `material` says which change counts (`any` or an expression)."""

    before: Milestone
    within: Length
    material: ExpressionText
    if_unavailable: Literal["block", "proceed_with_condition"] = "block"


class OnChange(Node):
    """What a material change does: a correction, a task for a role (`within` a limit), a pause (of a kind, for a
    length)."""

    do: Literal["correct", "pause"] | None = None
    task: Id | None = None
    within: Length | None = None
    pause: Pausing | None = None
    length: Length | None = None


class Dispute(Node):
    hold: Literal["adverse", "all", "none"] = "adverse"


class Fact(Node):
    """A need that registries fill. `sources` is written `from` and is tried in order; `take` names fact types."""

    sources: Annotated[tuple[Source, ...], BeforeValidator(one_or_list)] = Field(alias="from", min_length=1)
    take: tuple[Dotted, ...] = ()
    predicate: Dotted | None = None
    purpose: str
    consent: Literal["none", "explicit"] = "none"
    show: Literal["readonly", "editable", "hidden"] = "readonly"
    as_of: Period | None = None
    condition: ExpressionText | None = Field(default=None, alias="if")  # asked for only where it holds
    fallback: tuple[Annotated[FallbackWay, BeforeValidator(_fallback)], ...] = ()
    block: Text | None = None
    freshness: Length | None = None
    pending: Literal["allowed", "refused"] = "refused"
    pending_within: Length | None = None
    revalidate: Revalidate | None = None
    on_change: Annotated[OnChange, BeforeValidator(written_as("do"))] | None = None
    dispute: Dispute | None = None
    subscribe: tuple[Dotted, ...] = ()
    opens: Id | None = None  # the step that looks at a change told of after the grant

    @property
    def declarable(self) -> bool:
        """Whether people may give the value themselves where no source answers."""
        return any(way.declare for way in self.fallback)

    @property
    def untold(self) -> bool:
        """Whether nobody but a register may tell it, and nobody is asked while none does."""
        return any(way.nothing for way in self.fallback)

    @property
    def taken(self) -> tuple[str, ...]:
        """What the registry's owner granted by name: fact types, or a yes or no."""
        return (self.predicate,) if self.predicate is not None else self.take

    @property
    def dataset(self) -> str | None:
        """The first dataset asked, or None where only the vault is."""
        return next((s.dataset for s in self.sources if s.dataset), None)


def brought(name: str, fact: Fact) -> tuple[str, ...]:
    """The names of the values that a fact brings: fact types, or the fact's own name for a yes or no."""
    return fact.take or (name,)


def _required_where_filled(data: Any) -> Any:
    """`required` defaults to true for fields that a fact fills, to false for other fields."""
    if isinstance(data, dict) and "required" not in data:
        return {**data, "required": "fact" in data}
    return data


class FormField(Node):
    """One question, or one value that a fact fills. `options` maps an option's id to its text."""

    type: FieldType
    fact: Id | None = None
    label: Text | None = None  # None: the fact type's own label
    hint: Text | None = None
    required: Flag
    min: Number | None = None
    max: Number | None = None
    unit: Line | None = None
    max_length: Count | None = None
    options: Ordered[Id, Text] | None = None
    default: tuple[Dotted, ...] | None = None  # values: the first that is known stands there until it is changed
    # What comes forth when the case's document is issued: a number of that kind, or an `amount` by its rule.
    issued: Literal["uscc", "national_id", "serial", "amount"] | None = None
    amount: ExpressionText | None = None

    _required = model_validator(mode="before")(_required_where_filled)


class Page(Node):
    """One page of the form = one thing. A hidden page's answers are not stored."""

    page: Id
    title: Text
    hint: Text | None = None
    show_if: ExpressionText | None = None
    fields: Ordered[FieldName, FormField]


class PostCheck(Node):
    step: Id
    within: Length


class ReplacedBy(Node):
    """While the fact holds, or the pledge is given, the material is not asked for. `if`: to whom the pledge is open."""

    fact: Id | None = None
    pledge: Id | None = None
    condition: ExpressionText | None = Field(default=None, alias="if")
    post_check: PostCheck | None = None


class Deferrable(Node):
    """Accepted with a gap: the material may follow `within`, at the latest before `until`; else the case ends. `if`: to
    whom that is open."""

    until: Id
    within: Length
    to: Id | None = None
    condition: ExpressionText | None = Field(default=None, alias="if")


class Material(Node):
    """A file that people bring. `unless`: of whom it is not asked, by what registers tell."""

    required: Flag = True
    unless: ExpressionText | None = None
    accept: tuple[FileKind, ...] = Field(default=("pdf", "png", "jpg"), min_length=1)
    max_mb: Annotated[int, Field(strict=True, ge=1, le=200)] = 20
    label: Text
    hint: Text | None = None
    replaced_by: Annotated[ReplacedBy, BeforeValidator(written_as("fact"))] | None = None
    deferrable: Deferrable | None = None


Facts = Mapping[str, Fact]
