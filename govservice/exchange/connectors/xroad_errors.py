"""What an error of X-Road means (message protocol for REST, 4.6): by its type, never by its status.

Access denied and an unknown service come with status 500, as do a broken network and an expired configuration: who
went by the status would hammer the first two for ever and open the breaker for them. The codes are spelled in two
ways, `Server.ServerProxy.NetworkError` in the protocol and in older servers, `server.serverproxy.network_error` in
newer ones.
"""

from __future__ import annotations

from govservice.exchange.outcomes import Outcome

_ALIASES = {"outdatedglobalconf": "globalconfoutdated"}
_DENIED = frozenset({
    "accessdenied", "unknownservice", "unknownmember", "invalidclientidentifier", "invalidsecurityserver",
    "invalidserviceidentifier", "clientidentifier",
})  # fmt: skip
_SHUT = frozenset({"servicedisabled", "maintenancemode"})
_FORGED = (
    "invalidsignature", "signatureverification", "signaturevalue", "invalidhash", "hashchain", "certvalidation",
    "invalidcert", "incorrectcertificate", "incorrectvalidationinfo", "malformedsignature", "missingsignature",
    "timestampvalidation", "malformedhashchain", "inconsistentresponse",
)  # fmt: skip


def normalised(kind: str) -> tuple[str, ...]:
    """The parts of an error's type, alike in both spellings."""
    parts = (part.lower().replace("_", "").replace("-", "") for part in kind.strip()[:300].split("."))
    return tuple(_ALIASES.get(part, part) for part in parts)


def classified(kind: str) -> tuple[Outcome, str]:
    """What an error of this type (`X-Road-Error`) means, and a word for the log.

    The question was wrong; the agreement does not cover it (no trying again mends that); the service is shut; the
    answer is not what was signed; or the line is broken.
    """
    parts = normalised(kind)
    inner = parts[2:] if len(parts) > 2 else parts[-1:]
    word = next((part for part in inner if part), "unknown")
    if any(part in _DENIED for part in inner):
        return Outcome.DENIED, word
    if any(part in _SHUT for part in inner):
        return Outcome.UNAVAILABLE, "maintenance"
    if any(part.startswith(_FORGED) for part in inner):
        return Outcome.TAMPERED, word
    return (Outcome.SCHEMA_VIOLATION if parts[0] == "client" else Outcome.UNAVAILABLE), word
