"""Which answer belongs to which action: sans-IO, by ActionID, with completion known beforehand."""

import secrets
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ami_bridge.wire import Packet, event_name, header

Token = TypeVar("Token")


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole answer to one action.

    Attributes:
        success: What the response said.
        message: Asterisk's prose, for logs and for telling kinds of refusal apart.
        items: The events of an event list, without the response and the closing event.
        value: What a variable asked for holds (`Getvar`).
    """

    success: bool
    message: str
    items: tuple[Packet, ...] = ()
    value: str = ""


@dataclass(slots=True)
class _Pending(Generic[Token]):
    token: Token
    is_list: bool
    response: Packet | None = None
    items: list[Packet] = field(default_factory=list)


class Correlator(Generic[Token]):
    """Pending actions of one connection.

    Args:
        prefix: Begins every ActionID; random by default, so that no dialplan can forge an answer by UserEvent.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix or secrets.token_hex(4)
        self._last = 0
        self._pending: dict[str, _Pending[Token]] = {}
        self._lists = 0

    def __len__(self) -> int:
        return len(self._pending)

    def expect(self, token: Token, *, is_list: bool) -> str:
        """Note that an action is being sent and give its ActionID; `token` comes back with the answer."""
        self._last += 1
        action_id = f"{self._prefix}-{self._last}"
        self._pending[action_id] = _Pending(token, is_list)
        self._lists += is_list
        return action_id

    def give_up(self, action_id: str) -> None:
        """Forget an action whose deadline has passed; its answer will be nobody's."""
        self._remove(action_id)

    def lose_all(self) -> list[Token]:
        """Forget every action: the connection is gone and none of them will be answered."""
        tokens = [pending.token for pending in self._pending.values()]
        self._pending.clear()
        self._lists = 0
        return tokens

    def receive(self, packets: list[Packet]) -> tuple[list[Packet], list[tuple[Token, Reply]]]:
        """Split packets into what is for everybody and whole answers to our actions.

        An answer that comes after its action was given up is among the former, where nobody wants it.
        """
        if not self._pending:
            return packets, []
        others: list[Packet] = []
        done: list[tuple[Token, Reply]] = []
        for packet in packets:
            if not self._lists and packet.startswith(b"Event: "):
                others.append(packet)
                continue
            action_id = header(packet, "ActionID") or ""
            pending = self._pending.get(action_id)
            if pending is None:
                others.append(packet)
            elif self._completes(pending, packet, others):
                self._remove(action_id)
                done.append((pending.token, _reply(pending)))
        return others, done

    def _completes(self, pending: _Pending[Token], packet: Packet, others: list[Packet]) -> bool:
        if not event_name(packet):
            pending.response = packet
            return not (pending.is_list and header(packet, "EventList") == "start")
        if not pending.is_list:
            others.append(packet)  # e.g. OriginateResponse: an event for everybody that names its action
            return False
        if header(packet, "EventList") is None:
            pending.items.append(packet)
            return False
        return True

    def _remove(self, action_id: str) -> None:
        pending = self._pending.pop(action_id, None)
        if pending is not None:
            self._lists -= pending.is_list


def _reply(pending: _Pending[Token]) -> Reply:
    response = pending.response
    if response is None:
        return Reply(success=False, message="an event list without a response", items=tuple(pending.items))
    return Reply(
        success=header(response, "Response") in {"Success", "Goodbye", "Follows"},
        message=(header(response, "Message") or "").strip(),  # Asterisk 22.10: "No Contacts found\n"
        items=tuple(pending.items),
        value=header(response, "Value") or "",
    )
