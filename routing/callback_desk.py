"""The desk of those who call back: who was reached, who was tried in vain, who needs no call any more. Audited."""

from collections.abc import Callable
from functools import partial

from routing.callback import Callback, State, ended, tried_in_vain
from routing.callback_rules import CallbackRules
from routing.store import fetch_callback, put_callback
from tieline import audit
from tieline.clock import Clock, system_clock
from tieline.database import Database
from tieline.errors import LocalProtocolError
from tieline.model import CallId
from tieline.principal import Principal

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

    def tried(self, call_id: CallId, by: Principal) -> Callback:
        """Note that nobody answered: the next try is at another time of the day, or it was the last.

        Raises:
            LocalProtocolError: There is no open entry of this call.
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
            if entry is None or entry.state is not State.OPEN:
                raise LocalProtocolError(f"nobody is to be called back for call {call_id}")
            after = change(entry, now=now)
            put_callback(connection, after)
            audit.record(connection, by, action, f"call:{call_id}", why=why, clock=self._clock)
        return after
