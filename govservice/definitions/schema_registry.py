"""A registry as data: one file of `workflows/registries/` as frozen types (the keys are explained in population.yaml).

Paths and schemas are compiled while reading, so that a mapping that cannot work is refused at start-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import Field, PlainValidator, model_validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from govservice.definitions.periods import Period
from govservice.definitions.registry_paths import unknown_functions
from govservice.definitions.schema_base import (
    Call,
    Dotted,
    FieldName,
    Flag,
    Id,
    Length,
    Node,
    Number,
    Ordered,
    Text,
    _fault,
)
from govservice.definitions.schema_form import DatasetRef, FieldType, GrantRef
from govservice.definitions.schema_request import Auth, EndpointKey, Kind, Request, RequestPath, Statement, XRoad
from govservice.worktime.duration import Duration

__all__ = ["Request"]

Normaliser = Literal["text", "upper", "lower", "number", "date", "district", "list", "yes_no"]
MAX_PATH = 300
# What tables answer, where a file says nothing else: rows of plain values.
ROWS: Mapping[str, Any] = {
    "type": "object", "required": ["records"],
    "properties": {
        "as_of": {"type": "string"},
        "records": {
            "type": "array", "maxItems": 2,
            "items": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
        },
    },
}  # fmt: skip


def _jmespath(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH:
        raise _fault("E-PATH", f"a path is a JMESPath text of at most {MAX_PATH} characters")
    try:
        jmespath.compile(value)
    except JMESPathError as error:
        raise _fault("E-PATH", f"{value!r} is no JMESPath: {str(error).splitlines()[0]}") from None
    for name in unknown_functions(value):
        raise _fault("E-PATH", f"{value!r} is no JMESPath: there is no function {name!r}")
    return value


def _json_schema(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or value.get("type") != "object":
        raise _fault("E-SCHEMA", "a response is described by a JSON Schema of an object")
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        at = "/".join(str(p) for p in error.absolute_path) or "its top"
        raise _fault("E-SCHEMA", f"the JSON Schema is wrong at {at}: {error.message[:200]}") from None
    for reference in _references(value):
        try:
            Registry().with_resource("", DRAFT202012.create_resource(value)).resolver("").lookup(reference)
        except Unresolvable:
            message = (
                f"the JSON Schema refers to {reference[:200]!r}, which is no part of it; nothing is fetched for it"
            )
            raise _fault("E-SCHEMA", message) from None
    return value


def _references(node: Any) -> Iterator[str]:
    """What a schema refers to, wherever: each has to stand in the schema itself, or the first answer would fetch it."""
    if isinstance(node, dict):
        yield from (str(node[key]) for key in ("$ref", "$dynamicRef") if isinstance(node.get(key), str))
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _references(each)


JmesPath = Annotated[str, PlainValidator(_jmespath)]
ResponseSchema = Annotated[Mapping[str, Any], PlainValidator(_json_schema)]


def _whole(low: int, high: int) -> Any:
    return Field(strict=True, ge=low, le=high)


class Limits(Node):
    """What we ask of a registry at most. Milliseconds, calls at once per process, calls a second, bytes."""

    timeout_ms: Annotated[int, _whole(50, 10_000)] = 800
    hedge_after_ms: Annotated[int, _whole(50, 10_000)] = 300
    max_inflight: Annotated[int, _whole(1, 64)] = 8
    rate_rps: Annotated[int, _whole(1, 10_000)] = 50
    max_bytes: Annotated[int, _whole(256, 2 * 1024 * 1024)] = 65_536


class Breaker(Node):
    """Opens after `fail_ratio` of at least `min_calls` within `window_s`; tried again after `open_s`."""

    window_s: Annotated[int, _whole(1, 3600)] = 30
    min_calls: Annotated[int, _whole(1, 1000)] = 20
    fail_ratio: Annotated[Number, Field(gt=0, le=1)] = Decimal("0.5")
    open_s: Annotated[int, _whole(1, 3600)] = 30


class FieldMap(Node):
    """Where a fact type stands in a record, and how its value is brought into the portal's form."""

    path: JmesPath
    normalise: Normaliser = "text"


class Dataset(Node):
    """A kind of record that a registry gives out under a version."""

    title: Text
    status: Literal["active", "deprecated", "retired"] = "active"
    sharing: Literal["unconditional", "conditional", "not_shared"]
    subject: Literal["person", "organisation"]
    request: Request
    records: JmesPath = "records"
    subject_at: JmesPath
    record_id: JmesPath
    updated_at: JmesPath
    flags: JmesPath | None = None
    freshness: Length
    as_of: JmesPath | None = None
    periods: tuple[Period, ...] = ()  # that it can be asked for (`as_of` of a fact)
    max_age: Length | None = None
    fields: Annotated[Ordered[Dotted, FieldMap], Field(min_length=1)]
    response: ResponseSchema = Field(default_factory=lambda: ROWS)

    @model_validator(mode="after")
    def _of_an_age(self) -> Dataset:
        if (self.as_of is None) != (self.max_age is None):
            raise _fault("E-DATASET", "`as_of` says of when a copy is and `max_age` how old it may be: give both")
        return self


class RegisterAct(Node):
    """Something that a registry does at a case's word, called by an auto step: `do: {call: register.lock}`.

    POST `{"subject", "transfer", "order", ...}`; `sends` are more keys, each filled by a field of the form (a district
    as the registry's code). `undone_by` names the act of the same registry that takes this one back; `settles` says
    that with this one nothing is left to take back. `brings`: what the answer may say for `result:`.
    """

    title: Text
    path: RequestPath
    sends: Ordered[Id, FieldName] = Field(default_factory=dict)
    brings: Ordered[Id, FieldType] = Field(default_factory=dict)
    undone_by: Call | None = None
    settles: Flag = False


class Grant(Node):
    """The right of services of a kind of department to ask a dataset for named facts, for one purpose; and to have the
    registry do the named acts."""

    dataset: DatasetRef
    department: Id
    services: tuple[Id, ...]
    take: tuple[Dotted, ...] = ()
    acts: tuple[Call, ...] = ()
    purpose: str
    basis: Text
    start: date = Field(alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _for_something(self) -> Grant:
        if not self.take and not self.acts:
            raise _fault("E-GRANT", "a grant names what may be taken, or which acts may be done")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether the grant is in force on a day (both ends count)."""
        return self.start <= day and (self.until is None or day <= self.until)


class EventType(Node):
    """Something that a registry tells by itself about a person or an organisation."""

    title: Text
    subject: Literal["person", "organisation"]


class Events(Node):
    """What a registry tells by itself, and the name of the public key that its messages are signed with."""

    signer: Id
    types: Annotated[Ordered[Dotted, EventType], Field(min_length=1)]


class RegistryFile(Node):
    """One registry (权威数据源): who owns it, how it is reached, what it gives out, who may ask."""

    registry: Id
    title: Text
    short: Text
    owner: Dotted  # id of a department: guizhou.market_reg
    kind: Kind
    endpoint: EndpointKey  # key of the deployment's allow-list of addresses
    auth: Auth | None = None
    xroad: XRoad | None = None
    signer: Id | None = None  # of csv_snapshot: the name of the public key that its manifests are signed with
    statements: Ordered[Id, Statement] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    corrects_within: Length = Duration(10, "wd")  # how long the owner has to answer who says that an entry is wrong
    breaker: Breaker = Field(default_factory=Breaker)
    datasets: Annotated[Ordered[DatasetRef, Dataset], Field(min_length=1)]
    acts: Ordered[Call, RegisterAct] = Field(default_factory=dict)
    events: Events | None = None
    grants: Ordered[GrantRef, Grant] = Field(default_factory=dict)
