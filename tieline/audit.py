"""The audit trail: who did what, when, to what, and why. Rows are only ever appended (the database sees to it)."""

from collections.abc import Iterator
from typing import Any, Final

from tieline import store
from tieline.clock import Clock, system_clock
from tieline.database import Connection
from tieline.errors import Problem
from tieline.principal import Principal

WHY_AT_MOST: Final = 400


def about_why(why: str) -> Iterator[Problem]:
    """Yield what is wrong with a reason that somebody gives for a change."""
    if not why.strip():
        yield Problem("why", "no reason given", "say why: it goes into the audit trail")
    elif len(why) > WHY_AT_MOST or not why.isprintable():
        yield Problem("why", f"not one printable line of at most {WHY_AT_MOST} characters", "shorten it")


def storable(text: str) -> str:
    """Replace what PostgreSQL cannot store (NUL, halves of surrogates), with all else that cannot be printed."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def record(
    connection: Connection,
    principal: Principal,
    action: str,
    subject: str,
    *,
    before: Any = None,
    after: Any = None,
    why: str = "",
    clock: Clock = system_clock,
) -> None:
    """Append one line, in the caller's own transaction: the deed and its line last together or not at all.

    Args:
        connection: The transaction that also does the deed.
        principal: Who does it.
        action: What, as `noun.verb`, e.g. `token.revoke`, `quota.change`.
        subject: To what, as `kind:id`, e.g. `city:xiamen`.
        before: State before, as a JSON value; no personal data, no secrets.
        after: State after, likewise.
        why: The reason given, at most 400 characters.
        clock: For tests.
    """
    store.append_audit(
        connection,
        store.AuditRow(
            at=clock(),
            who=principal.name[:120],
            role=principal.role,
            action=action,
            subject=subject[:200],
            before=before,
            after=after,
            why=why[:WHY_AT_MOST],
        ),
    )
