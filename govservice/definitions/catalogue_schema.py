"""The shapes of the data files beside the services: departments, fact types, purposes, papers, registries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field, StringConstraints

from govservice.definitions.expression_types import Type, field_type
from govservice.definitions.schema_base import (
    Count,
    Dotted,
    ExpressionText,
    Flag,
    Id,
    Length,
    Line,
    Node,
    Ordered,
    Text,
)
from govservice.definitions.schema_form import DatasetRef
from govservice.definitions.schema_registry import Dataset, Grant, RegisterAct, RegistryFile
from govservice.identifiers import IdKind

__all__ = ["Dataset", "Grant", "RegisterAct", "RegistryFile"]  # a registry's file has a module of its own

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]


class Hall(Node):
    """Where the counter of an area is."""

    name: Text
    address: Text
    phone: Line


class Remedies(Node):
    """Where a refused applicant may turn to, with the law's own citation."""

    reconsideration: Text
    court: Text


class AreaNode(Node):
    name: Text
    parent: Id | None = None
    prefix: Prefix
    calendar: Id
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    serves: Flag
    hall: Hall | None = None
    remedies: Remedies | None = None


class KindNode(Node):
    name: Text


class DepartmentsFile(Node):
    areas: Ordered[Id, AreaNode]
    kinds: Ordered[Id, KindNode]
    departments: Ordered[Id, tuple[Id, ...]]
    names: Ordered[Id, Mapping[Id, Text]] = Field(default_factory=dict)


class FactType(Node):
    """What a registry can tell about a person or an enterprise."""

    type: Literal["text", "address", "district", "integer", "decimal", "date", "yes_no", "list"]
    unit: Line | None = None
    label: Text
    sensitivity: Literal["public", "internal", "personal", "special"]
    compare: Literal["text", "exact", "number", "date", "district", "set"]
    do_not_ask: Flag = False
    identifier: IdKind | None = None  # what is typed for it must be well formed
    party: Literal["person_name", "person_number", "org_name", "org_code", "legal_person"] | None = None

    @property
    def expression_type(self) -> Type:
        return Type("list", item=Type("text")) if self.type == "list" else field_type(self.type)


class PredicateType(Node):
    """A yes or no that is told from a fact: who needs to know whether somebody is of age needs no day of birth.

    `expr` is an expression over the base fact and `today`. A dataset that has a field of the predicate's name answers
    it itself: then the base never comes here.
    """

    base: Dotted
    expr: ExpressionText
    label: Text


class ReplacedDocument(Node):
    """A paper nobody may be asked for while a dataset has it."""

    dataset: DatasetRef
    label: Text


class FactsFile(Node):
    facts: Ordered[Dotted, FactType]
    predicates: Ordered[Dotted, PredicateType] = Field(default_factory=dict)
    documents: Ordered[Id, ReplacedDocument] = Field(default_factory=dict)


class DocumentType(Node):
    """A document that a service issues; `shows` names the form fields that stand on it."""

    title: Text
    prefix: Prefix
    shows: tuple[Dotted, ...] = ()


class DocumentsFile(Node):
    documents: Ordered[Id, DocumentType]
    attachments: Mapping[Id, Text] = Field(default_factory=dict)  # names of what staff attach to an act


class FlagsFile(Node):
    """What an answer leaves in a case's record, as staff read it."""

    flags: Ordered[Id, Text]


class Purpose(Node):
    """Why data is fetched, and by which law."""

    title: Text
    text: Text
    basis: Text
    hides: Text | None = None  # the law that lets what is fetched for this purpose stay out of the applicant's sight
    keep: Length | None = None  # how long after the case was closed what was fetched stays readable; None: a year


class PurposesFile(Node):
    purposes: Ordered[Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")], Purpose]


class Pledge(Node):
    """A promise that may stand instead of a proof; new words are a new version."""

    version: Count
    title: Text
    text: Text

    @property
    def digest(self) -> str:
        """SHA-256 of the words in every language: what was agreed to can be proved later."""
        said: dict[str, Any] = {"version": self.version, "title": dict(self.title), "text": dict(self.text)}
        return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


class PledgesFile(Node):
    pledges: Ordered[Id, Pledge]


class LifeEvent(Node):
    title: Text
    text: Text


class LifeEventsFile(Node):
    life_events: Ordered[Id, LifeEvent]
