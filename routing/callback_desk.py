"""The desk of those who call back: whom, who was reached, tried in vain, or needs no call any more. Audited."""

from collections.abc import Callable, Sequence
from functools import partial

from routing.callback import Callback, State, ended, tried_in_vain
from routing.callback_rules import CallbackRules
from routing.store import fetch_callback, fetch_callbacks, put_callback
from tieline import audit
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.model import CallId, SiteId
from tieline.principal import Principal
from tieline.refused import DeskName, Kind, Refused

READ = "callback.read"
"""Entries hold whole numbers, so who looks at them is written down."""
TRIED = "callback.tried"
REACHED = "callback.reached"
CANCELLED = "callback.cancelled"


class CallbackDesk:
    """Works on entries in SQL; the site's Redis follows within seconds.

    Args:
        database: With the schema made.
        rules: How often and when.
        clock: For tests.
    """

    def __init__(self, database: Database, rules: CallbackRules, *, clock: Clock = system_clock) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock

    def entries(self, by: Principal, *, site: SiteId | None = None, with_ended: bool = False) -> Sequence[Callback]:
        """List the entries that `by` covers, of one site or of all, the oldest place first.

        Args:
            by: Who looks; he sees whole numbers.
            site: None for all.
            with_ended: The ended ones, too, of the newest thousand.
        """
        with self._database.transaction() as connection:
            found = fetch_callbacks(connection, site=site, is_open=not with_ended)
            subject = "callback:all" if with_ended else "callback:open"
            audit.record(connection, by, READ, subject, clock=self._clock)
        return [one for one in found if by.covers(city=one.city, site=one.site)]

    def tried(self, call_id: CallId, by: Principal) -> Callback:
        """Note that nobody answered: the next try is at another time of the day, or it was the last.

        Raises:
            Refused: There is no open entry of this call, or not in the scope of `by`.
        """
        return self._change(call_id, by, TRIED, partial(tried_in_vain, rules=self._rules))

    def reached(self, call_id: CallId, by: Principal) -> Callback:
        """Note that the caller was called back; raises as `tried`."""
        return self._change(call_id, by, REACHED, partial(ended, state=State.REACHED))

    def cancel(self, call_id: CallId, by: Principal, *, why: str) -> Callback:
        """Note that no call is needed any more, and why; raises as `tried`."""
        return self._change(call_id, by, CANCELLED, partial(ended, state=State.CANCELLED), why=why)

    def _change(
        self, call_id: CallId, by: Principal, action: str, change: Callable[..., Callback], *, why: str = ""
    ) -> Callback:
        now = self._clock()
        with self._database.transaction() as connection:
            entry = fetch_callback(connection, call_id)
            if entry is None or entry.state is not State.OPEN or not by.covers(city=entry.city, site=entry.site):
                raise Refused(DeskName.CALLBACKS, Kind.MISSING, f"nobody is to be called back for call {call_id}")
            after = change(entry, now=now)
            put_callback(connection, after)
            audit.record(connection, by, action, f"call:{call_id}", why=why, clock=self._clock)
        return after
