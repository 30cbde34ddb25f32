"""What desks refuse, as clients of the API are told."""

import json

import pytest

from console.errors import refusal_of
from routing.ladder_versions import not_changed as ladders_not_changed
from tieline.errors import Problem
from tieline.model import CityId, SiteId
from tieline.refused import DeskName, Kind, Refused
from trunk_config.change import not_changed
from trunk_config.versions import Difference

pytestmark = pytest.mark.unit

PROBLEM = Problem("until", "is in the past", "give another one")
TOLD_PROBLEM = {"where": "until", "what": "is in the past", "mend": "give another one"}
TOKEN = "use a token whose role and scope allow it"
FORM = "the form is in /api/v1/openapi.json"
AGENTS = "look at GET /api/v1/agents; those of another site are at its console"
CALLS = "calls of another site are at its console; agents: GET /api/v1/agents"


def told(refused: Refused) -> tuple[int, dict[str, object]]:
    refusal = refusal_of(refused)
    return refusal.status, json.loads(refusal.body())


@pytest.mark.parametrize(
    ("desk", "kind", "status", "hint"),
    [
        (DeskName.QUOTAS, Kind.FORBIDDEN, 403, TOKEN),
        (DeskName.QUOTAS, Kind.INVALID, 422, "mend every problem, then ask again"),
        (DeskName.QUOTAS, Kind.UNREADABLE, 422, FORM),
        (DeskName.QUOTAS, Kind.CONFIRM, 409, "ask again with `confirmed`: true"),
        (DeskName.NOTICES, Kind.FORBIDDEN, 403, TOKEN),
        (DeskName.NOTICES, Kind.INVALID, 422, "mend every problem, then ask again"),
        (DeskName.NOTICES, Kind.UNREADABLE, 422, FORM),
        (DeskName.NOTICES, Kind.MISSING, 404, "look at GET /api/v1/notices"),
        (DeskName.LADDERS, Kind.INVALID, 422, "mend every problem, then ask again"),
        (DeskName.AGENTS, Kind.FORBIDDEN, 403, TOKEN),
        (DeskName.AGENTS, Kind.INVALID, 422, FORM),
        (DeskName.AGENTS, Kind.MISSING, 404, AGENTS),
        (DeskName.CALLS, Kind.INVALID, 422, FORM),
        (DeskName.CALLS, Kind.MISSING, 404, CALLS),
        (DeskName.CALLS, Kind.CONFLICT, 409, "look at GET /api/v1/agents, then ask again"),
        (DeskName.CALLBACKS, Kind.MISSING, 404, "look at GET /api/v1/callbacks"),
    ],
)
def test_a_refusal_becomes_a_status_a_word_and_a_hint(desk: DeskName, kind: Kind, status: int, hint: str) -> None:
    assert told(Refused(desk, kind, "it is so")) == (
        status,
        {"error": str(kind), "message": "it is so", "hint": hint},
    )


@pytest.mark.parametrize("desk", DeskName)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_at_every_desk_is_a_clients_error_with_a_hint(desk: DeskName, kind: Kind) -> None:
    refusal = refusal_of(Refused(desk, kind, "it is so"))
    assert (400 <= refusal.status < 500, refusal.told.hint != "") == (True, True)


def test_a_stale_change_of_quotas_tells_what_changed() -> None:
    difference = Difference(city=CityId("putian"), share="cap", before=60, after=50)
    stale = not_changed(SiteId("fuzhou"), Kind.STALE, [PROBLEM, PROBLEM], newest=7, difference=[difference])
    assert told(stale) == (
        409,
        {
            "error": "stale_base",
            "message": "quotas of fuzhou not changed: 2 reasons",
            "hint": "look at the difference, then ask again with the newest version as base",
            "newest": 7,
            "problems": [TOLD_PROBLEM, TOLD_PROBLEM],
            "difference": [{"city": "putian", "share": "cap", "before": 60, "after": 50}],
        },
    )


def test_a_stale_change_of_ladders_tells_the_lines() -> None:
    stale = ladders_not_changed(Kind.STALE, [PROBLEM], newest=7, difference=["-after_s = 8", "+after_s = 9"])
    assert told(stale) == (
        409,
        {
            "error": "stale_base",
            "message": "ladders not changed",
            "hint": "look at the lines, then ask again with the newest version as base",
            "newest": 7,
            "problems": [TOLD_PROBLEM],
            "lines": ["-after_s = 8", "+after_s = 9"],
        },
    )
