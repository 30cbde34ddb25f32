"""The ground floor's tables: bearer tokens and the audit trail."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from tieline.database import Connection, metadata

_tokens: Final = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("city", sa.String(32)),
    sa.Column("site", sa.String(32)),
    sa.Column("made_at", sa.Double, nullable=False),
    sa.Column("revoked_at", sa.Double),
)

_audit: Final = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("who", sa.String(120), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("action", sa.String(80), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("why", sa.String(400), nullable=False),
)

_REFUSAL: Final = "audit is append-only"
_ONLY_APPENDED: Final = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"""CREATE OR REPLACE FUNCTION audit_only_appended() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
        """CREATE TRIGGER audit_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_only_appended()""",
    ],
}


@sa.event.listens_for(_audit, "after_create")
def _let_only_append(_table: sa.Table, connection: Connection, **_: object) -> None:
    for statement in _ONLY_APPENDED[connection.dialect.name]:
        connection.exec_driver_sql(statement)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as stored: never the token itself. Times are Unix seconds."""

    id: str
    hash: str
    name: str
    role: str
    city: str | None
    site: str | None
    made_at: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of the audit trail. `at` is Unix seconds; `before` and `after` are JSON values, or None."""

    at: float
    who: str
    role: str
    action: str
    subject: str
    before: Any
    after: Any
    why: str


def add_token(connection: Connection, row: TokenRow) -> None:
    """Store a new token."""
    connection.execute(_tokens.insert().values(**asdict(row)))


def fetch_tokens(connection: Connection) -> Sequence[TokenRow]:
    """Fetch every token, oldest first, revoked ones included."""
    found = connection.execute(sa.select(_tokens).order_by(_tokens.c.made_at, _tokens.c.id))
    return [TokenRow(**row) for row in found.mappings()]


def fetch_token(connection: Connection, *, token_id: str = "", token_hash: str = "") -> TokenRow | None:
    """Fetch one token by its id or by its hash."""
    key = _tokens.c.id == token_id if token_id else _tokens.c.hash == token_hash
    row = connection.execute(sa.select(_tokens).where(key)).mappings().one_or_none()
    return TokenRow(**row) if row else None


def revoke_token(connection: Connection, token_id: str, now: float) -> bool:
    """Mark a token as revoked; False when it is unknown or was revoked before."""
    statement = (
        _tokens.update().where(_tokens.c.id == token_id, _tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def append_audit(connection: Connection, row: AuditRow) -> None:
    """Append a line to the audit trail; nothing can change or remove one."""
    connection.execute(_audit.insert().values(**asdict(row)))


def fetch_audit(connection: Connection, *, subject: str = "", newest: int = 100) -> Sequence[AuditRow]:
    """Fetch the newest lines, the newest first.

    Args:
        connection: From `Database.transaction`.
        subject: Only lines about this subject, or empty for all.
        newest: How many at most.
    """
    columns = [column for column in _audit.c if column.name != "id"]
    statement = sa.select(*columns).order_by(_audit.c.id.desc()).limit(newest)
    if subject:
        statement = statement.where(_audit.c.subject == subject)
    return [AuditRow(**row) for row in connection.execute(statement).mappings()]
