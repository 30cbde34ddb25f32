"""Bearer tokens for the API: made once, shown once, stored as a hash.

A token is 256 random bits, so a plain SHA-256 is enough to store it by: slow hashes protect what people choose and
others can guess, and no one guesses 256 bits. It also makes finding a token one indexed look-up.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tieline import audit, store
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.errors import AuthFailed, ConnectionLost, DeadlineExceeded, LocalProtocolError
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role

_FORM: Final = re.compile(r"tl1_[A-Za-z0-9_-]{43}")
FRESH_S: Final = 5.0
"""So long a verified token is believed without asking again: a revoked one may live on by as much."""
STALE_S: Final = 900.0
"""So long a token known before is believed while the database does not answer: a storm must not lock people out."""
_KNOWN_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `text` exists only here.

    Attributes:
        id: Names the token in lists and when it is revoked.
        text: What the client sends after `Authorization: Bearer`.
    """

    id: str
    text: str = field(repr=False)


class Tokens:
    """The tokens of one database.

    Args:
        database: With the schema made.
        clock: For tests.
    """

    def __init__(self, database: Database, *, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[float, Principal]] = {}

    def new(self, principal: Principal, *, by: Principal) -> NewToken:
        """Make a token for a principal. Blocks; audited.

        Raises:
            TielineError: As `Database.transaction`.
        """
        if not principal.name or not principal.name.isprintable() or len(principal.name) > 80:
            raise LocalProtocolError("a token needs a printable name of at most 80 characters")
        token = NewToken(id=secrets.token_hex(4), text="tl1_" + secrets.token_urlsafe(32))
        row = store.TokenRow(
            id=token.id,
            hash=_hash(token.text),
            name=principal.name,
            role=principal.role,
            city=principal.city,
            site=principal.site,
            made_at=self._clock(),
            revoked_at=None,
        )
        with self._database.transaction() as connection:
            store.add_token(connection, row)
            after = {"name": row.name, "role": row.role, "city": row.city, "site": row.site}
            audit.record(connection, by, "token.new", f"token:{token.id}", after=after, clock=self._clock)
        return token

    def all(self) -> Sequence[store.TokenRow]:
        """List every token, oldest first. Blocks."""
        with self._database.transaction(reading=True) as connection:
            return store.fetch_tokens(connection)

    def revoke(self, token_id: str, *, by: Principal, why: str = "") -> bool:
        """Revoke a token. Blocks; audited.

        Returns:
            False when it is not known or was revoked before.
        """
        with self._database.transaction() as connection:
            if not store.revoke_token(connection, token_id, self._clock()):
                return False
            audit.record(connection, by, "token.revoke", f"token:{token_id}", why=why, clock=self._clock)
        self._known.clear()
        return True

    async def verify(self, text: str) -> Principal:
        """Find whose token this is.

        Policy when the database does not answer: who was verified within `STALE_S` goes on, all others are refused.

        Raises:
            AuthFailed: Not a token, unknown, or revoked.
            ConnectionLost: The database is not there and the token was not seen lately.
            DeadlineExceeded: The same, with the database silent.
        """
        if not _FORM.fullmatch(text):
            raise AuthFailed("not a token")
        key, now = _hash(text), self._clock()
        at, principal = self._known.get(key, (float("-inf"), None))
        if principal and abs(now - at) < FRESH_S:  # a clock that was set back must not keep a revoked one alive
            return principal
        try:
            row = await self._database.run(lambda c: store.fetch_token(c, token_hash=key), reading=True)
        except (ConnectionLost, DeadlineExceeded):
            if principal and abs(now - at) < STALE_S:
                return principal
            raise
        if row is None or row.revoked_at is not None:
            self._known.pop(key, None)
            raise AuthFailed("token unknown or revoked")
        principal = _principal(row)
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known[key] = (now, principal)
        return principal


def _principal(row: store.TokenRow) -> Principal:
    return Principal(
        role=Role(row.role),
        city=CityId(row.city) if row.city else None,
        site=SiteId(row.site) if row.site else None,
        name=row.name,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
