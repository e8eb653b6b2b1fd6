"""Lines of grants that another system obtained, to sealed connection.granted records. No error holds a token."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import IO, Annotated

import msgspec

from adapters.vault.seal import ConnectionAad, KeyRing
from schemas.codec import encode
from schemas.connections import ConnectionGranted, Service
from schemas.events import Identifier
from streams.cli.lines import BadLine, numbered
from streams.cli.sending import OutgoingRecord
from streams.domain.connection import Connection, Held
from streams.domain.connection_events import Heard, heard_grant

__all__ = ["GrantLine", "read_grants", "replaced", "sealed_record", "sort_out"]


class GrantLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `connected_at`: RFC 3339 with an offset."""

    provider_id: Identifier
    service: Service
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    refresh_token: Annotated[str, msgspec.Meta(pattern=r"^\S+$")]
    scopes: tuple[str, ...]
    connected_at: Annotated[datetime, msgspec.Meta(tz=True)]

    def __repr__(self) -> str:
        return f"GrantLine(provider_id={self.provider_id!r}, service={self.service.value!r})"

    @property
    def grant_id(self) -> str:
        """The same for the same grant, so that importing a file again changes nothing; another token or date is another grant.

        A refresh token has far too much randomness to be found from the digest.
        """
        parts = [
            "grant",
            self.provider_id,
            self.service.value,
            self.email,
            self.connected_at.astimezone(UTC).isoformat(),
            self.refresh_token,
        ]
        return "imported-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


_line = msgspec.json.Decoder(GrantLine)


#: How far the clock of the system that obtained a grant may be ahead.
_CLOCK_SLACK = timedelta(minutes=5)


def read_grants(file: IO[bytes], now: datetime) -> tuple[list[tuple[int, GrantLine]], list[BadLine]]:
    """The numbered grants, and the lines that are none. One from the future would shut out every grant that comes until then."""
    grants, bad = [], []
    for number, line in numbered(file):
        try:
            grant = _line.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            bad.append(BadLine(number=number, reason=_reason(error)))
            continue
        if grant.connected_at > now + _CLOCK_SLACK:
            bad.append(BadLine(number=number, reason="connected_at is in the future"))
        else:
            grants.append((number, grant))
    return grants, bad


def sort_out(grants: Iterable[tuple[int, GrantLine]], known: Mapping[str, Connection]) -> tuple[list[tuple[int, GrantLine]], list[BadLine]]:
    """The grants that count, and the lines that no worker would heed, with what to do. `known`: what was heard before, by provider."""
    counting, ignored = [], []
    newest = dict(known)
    for number, grant in grants:
        row = newest.get(grant.provider_id, Connection(provider_id=grant.provider_id))
        match heard_grant(row, grant.grant_id, grant.connected_at):
            case Heard.OLDER:
                ignored.append(BadLine(number=number, reason=_older(grant, row)))
            case Heard.ENDED:
                ignored.append(BadLine(number=number, reason=_ended(grant, row)))
            case _:
                counting.append((number, grant))
                newest[grant.provider_id] = _with_grant(row, grant)
    return counting, ignored


def _with_grant(row: Connection, grant: GrantLine) -> Connection:
    """As far as the order of later lines goes."""
    held = Held(service=grant.service, email=grant.email, grant_id=grant.grant_id, sealed_refresh_token="", connected_at=grant.connected_at)
    return msgspec.structs.replace(row, current=held, last_grant_id=grant.grant_id, last_changed_at=grant.connected_at)


def _older(grant: GrantLine, row: Connection) -> str:
    return (
        f"not sent, since {grant.provider_id} was connected or disconnected later than this line's connected_at ({_last(row)}), "
        "and no worker would heed it. If they consented anew since, give that moment as connected_at; otherwise leave the line out"
    )


def _ended(grant: GrantLine, row: Connection) -> str:
    return (
        f"not sent, since {grant.provider_id} disconnected this very grant ({_last(row)}). "
        "They have to consent anew; then import the new grant"
    )


def _last(row: Connection) -> str:
    return "" if row.last_changed_at is None else row.last_changed_at.astimezone(UTC).isoformat()


def replaced(grants: Iterable[tuple[int, GrantLine]]) -> list[tuple[int, int]]:
    """(line, the later line that replaces it): a provider has one connection at a time, and the last one stands."""
    last: dict[str, int] = {}
    pairs = []
    for number, grant in grants:
        if grant.provider_id in last:
            pairs.append((last[grant.provider_id], number))
        last[grant.provider_id] = number
    return pairs


def sealed_record(number: int, grant: GrantLine, ring: KeyRing) -> OutgoingRecord:
    """The record for calendar.connections.v1, its token sealed for this very grant."""
    grant_id = grant.grant_id
    aad = ConnectionAad(provider_id=grant.provider_id, service=grant.service, grant_id=grant_id)
    event = ConnectionGranted(
        provider_id=grant.provider_id,
        grant_id=grant_id,
        service=grant.service,
        email=grant.email,
        sealed_refresh_token=ring.seal(grant.refresh_token, aad),
        scopes=grant.scopes,
        connected_at=grant.connected_at.astimezone(UTC),
    )
    return OutgoingRecord(line=number, key=grant.provider_id.encode(), value=encode(event), headers=_HEADERS)


_HEADERS = (("content-type", b"application/json"),)


def _reason(error: Exception) -> str:
    """msgspec quotes a wrong value of `service`; in a line whose fields were mixed up that may be the token."""
    return re.sub(r"'.*'", "(not shown)", str(error), flags=re.DOTALL).replace("`$.", "`")
