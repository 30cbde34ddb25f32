"""Calls, tickets and what is counted of them as rows of SQL. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crm_adapter.offered import CityHour
from crm_adapter.record import CallRecord
from crm_adapter.refused import Attempt
from crm_adapter.ticket import Ticket
from tieline.model import Outcome


def call_row(record: CallRecord) -> dict[str, Any]:
    """Give the row of a call."""
    row = msgspec.structs.asdict(record)
    return row | {
        "outcome": str(record.outcome),
        "witness": str(record.witness),
        "legs": msgspec.to_builtins(record.legs),
        "borrowed": [[name, str(witness)] for name, witness in record.borrowed],
    }


def call_of(row: Mapping[Any, Any]) -> CallRecord:
    """Read the row of a call."""
    return msgspec.convert(_plain(row), CallRecord)


def ticket_of_row(row: Mapping[Any, Any]) -> Ticket:
    """Read the row of a ticket."""
    return msgspec.convert(_plain(row), Ticket)


def attempt_of(row: Mapping[Any, Any]) -> Attempt:
    """Read a row of the calls by which it is told who was refused."""
    return Attempt(row["number"], row["at"], Outcome(row["outcome"]), row["ticket"])


def city_hour_of(row: Mapping[Any, Any]) -> CityHour:
    """Read the row of a city's calls within one hour."""
    return CityHour(**_plain(row))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Give a row with names that are of `str` itself: SQLAlchemy's are of a subclass, which msgspec refuses."""
    return {str(name): value for name, value in row.items()}
