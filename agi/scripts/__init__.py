"""The FastAGI scripts, one file each."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from agi.connection import Route
from agi.scripts import admit, callback, hangup, menu, no_answer, rate, route, transfer, waiting
from agi.scripts.parts import Parts
from agi.session import Session

Script = Callable[[Parts, Session], Awaitable[Mapping[str, str]]]

_SHORT_S: Final = 1.2
"""As the dialplan's limit: nobody waits for the answer any longer."""
_MENU_S: Final = 300.0
_RATE_S: Final = 60.0
_WAITING_S: Final = 30.0
_HANGUP_S: Final = 5.0

_SCRIPTS: Final[Mapping[str, tuple[Script, float]]] = {
    "admit": (admit.run, _SHORT_S),
    "menu": (menu.run, _MENU_S),
    "route": (route.run, _SHORT_S),
    "callback": (callback.run, _WAITING_S),
    "waiting": (waiting.run, _WAITING_S),
    "no_answer": (no_answer.run, _SHORT_S),
    "transfer": (transfer.run, _SHORT_S),
    "rate": (rate.run, _RATE_S),
    "hangup": (hangup.run, _HANGUP_S),
}


def routes(parts: Parts) -> Mapping[str, Route]:
    """Bind every script to a site's parts."""
    return {
        name: Route(partial(script, parts), deadline_s, dead_channel=name == "hangup")
        for name, (script, deadline_s) in _SCRIPTS.items()
    }
