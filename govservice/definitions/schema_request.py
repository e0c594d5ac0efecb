"""How a registry is reached and a dataset is asked, for each kind of connector."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, PlainValidator, StringConstraints, model_validator

from govservice.definitions.schema_base import Id, Line, Node, _fault

Kind = Literal["http_json", "xroad_rest", "sql", "csv_snapshot"]
RequestPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~{}-]+)+$", max_length=200)]
_PARTS = re.compile(r"[A-Za-z0-9'()+,\-.=?]{1,100}", re.ASCII)  # identifiers of X-Road (message protocol 4.8)
_PLACES = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)", re.ASCII)
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|drop|alter|create|grant|revoke|truncate|copy|call|do|execute|attach|pragma|vacuum|"
    r"set|lock|listen|notify|load)\b",
    re.IGNORECASE,
)


def _endpoint(value: Any) -> str:
    """The key of an address. An address itself is refused, wherever it leads: only the deployment says addresses."""
    if isinstance(value, str) and ("/" in value or ":" in value or "." in value):
        raise _fault("E-ENDPOINT", "an address has no place here: write a key, and give its address to the deployment")
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", value, re.ASCII):
        raise _fault("E-ENDPOINT", "the key of an address: small letters, digits and _, a letter first, at most 64")
    return value


def _statement(text: str) -> str:
    """One question with one place for the subject. The transaction is read only as well: this finds mistakes early."""
    said = re.sub(r"'(?:[^']|'')*'", "''", text)
    if ";" in said or "--" in said or "/*" in said:
        raise _fault("E-SQL", "a statement is a single one, without ; and without comments")
    if not re.match(r"\s*(select|with)\b", said, re.IGNORECASE):
        raise _fault("E-SQL", "a statement reads: it begins with SELECT or WITH")
    if word := _WRITES.search(said):
        raise _fault("E-SQL", f"a statement reads: {word[0]!r} changes something")
    if set(_PLACES.findall(said)) - {"as_of"} != {"subject"}:
        message = "a statement has :subject, whom it is about, may have :as_of, and no other place to fill in"
        raise _fault("E-SQL", message)
    return text


def _member(value: Any) -> tuple[str, ...]:
    parts = tuple(value) if isinstance(value, (list, tuple)) else ()
    if not 3 <= len(parts) <= 4 or not all(isinstance(part, str) and _PARTS.fullmatch(part) for part in parts):
        raise _fault("E-XROAD", "write [instance, class, member, subsystem]; a part is letters, digits and '()+,-.=?")
    return parts


EndpointKey = Annotated[str, PlainValidator(_endpoint)]
Statement = Annotated[
    str, StringConstraints(min_length=10, max_length=2000, strip_whitespace=True), AfterValidator(_statement)
]
Member = Annotated[tuple[str, ...], PlainValidator(_member)]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9'()+,\-.=?]{1,100}$")]


class Request(Node):
    """How a dataset is asked.

    http_json: POST sends `{"subject", "fields"}` as JSON, so that no number of a person stands in an address; GET puts
    the subject into `{subject}` of the path (percent-encoded) and the fields into the query. xroad_rest: the same
    behind `service`. sql: the `statement` of that name. csv_snapshot: the `file` of that name.
    """

    method: Literal["GET", "POST"] = "POST"
    path: RequestPath = ""
    service: ServiceCode = ""
    statement: Id = ""
    file: Id = ""

    @model_validator(mode="after")
    def _subject_where_it_belongs(self) -> Request:
        if self.path.count("{") != self.path.count("{subject}") or self.path.count("}") != self.path.count("{subject}"):
            raise _fault("E-PATH", f"{self.path!r}: only {{subject}} may stand in braces")
        if any(part in (".", "..") for part in self.path.split("/")):
            raise _fault("E-PATH", f"{self.path!r} leaves its place")
        if ("{subject}" in self.path) != (self.method == "GET"):
            raise _fault("E-PATH", "the path of a GET holds {subject}; a POST sends it in the body")
        return self


# kind -> (what a request must say, what it may say)
ASKED_BY: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "http_json": (frozenset({"path"}), frozenset({"method"})),
    "xroad_rest": (frozenset({"service"}), frozenset({"method", "path"})),
    "sql": (frozenset({"statement"}), frozenset()),
    "csv_snapshot": (frozenset({"file"}), frozenset()),
}


class XRoad(Node):
    """Who asks and who answers on X-Road: member identifiers, part by part."""

    client: Member
    provider: Member


class Auth(Node):
    """How we show who we are. `key`, `certificate`, `trust` are names that the deployment gives files for: a private
    key (PEM), a certificate with its key (PEM), the authorities of the other side (PEM)."""

    kind: Literal["private_key_jwt", "mtls", "tls"]
    key: Id | None = None
    client: Line | None = None  # our name at the registry: issuer and subject of the statement we sign
    audience: Line | None = None
    certificate: Id | None = None
    trust: Id | None = None

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        needs = {"private_key_jwt": ("key", "client", "audience"), "mtls": ("certificate",), "tls": ("trust",)}
        if missing := [name for name in needs[self.kind] if getattr(self, name) is None]:
            raise _fault("E-AUTH", f"{self.kind} needs {', '.join(missing)}")
        return self

    @property
    def references(self) -> tuple[str, ...]:
        """The names that the deployment must know."""
        return tuple(name for name in (self.key, self.certificate, self.trust) if name is not None)
