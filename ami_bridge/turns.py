"""Which commands go beside each other, and which one after the other: pure."""

from collections.abc import Iterable, Sequence

from tieline import bus

_OfATransfer = bus.SendOn | bus.Consult | bus.NoteLeg | bus.EndLeg


def in_turns(commands: Iterable[bus.Command]) -> Sequence[Sequence[bus.Command]]:
    """Give commands that may go beside each other, in order, each with those that must wait for it.

    Those of a transfer take several steps. Two of one call side by side would both read `TL_LEGS` before either has
    written it, and press the second key of a consultation before the first.
    """
    turns: list[list[bus.Command]] = []
    of_call: dict[str, list[bus.Command]] = {}
    for command in commands:
        before = of_call.get(command.call_id) if isinstance(command, _OfATransfer) else None
        if before is not None:
            before.append(command)
            continue
        turns.append([command])
        if isinstance(command, _OfATransfer):
            of_call[command.call_id] = turns[-1]
    return turns
