"""What the bus tells, as the matcher's methods want it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeVar

from routing.consulting import ASKED_S
from routing.intake_agents import seats_shown, talks_shown, wish_of
from routing.matcher import Matcher
from routing.offers import Effect, Onward, Step, Waiting
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.model import (
    AgentId,
    Business,
    CallId,
    CityId,
    CountyId,
    DialectId,
    Lane,
    Need,
    NodeId,
    SiteId,
)

HOLD: Final = "hold"
"""The context in which callers wait (asterisk-conf/contexts/hold.conf.j2)."""

_Word = TypeVar("_Word", bound=StrEnum)

Told = (
    bus.CallWaiting
    | bus.CallbackWanted
    | bus.CallGone
    | bus.CallJournalled
    | bus.CallInNet
    | bus.OfferTaken
    | bus.OfferFailed
    | bus.AgentRinging
    | bus.AgentAnswered
    | bus.AgentLegGone
    | bus.CallTransferred
)
"""What is told of one call."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """A caller waits in `hold` and nobody knows of him, as after a loss of Redis: the safety net takes him.

    The heartbeat would keep him there for ever.
    """

    call_id: CallId
    node: NodeId
    channel: str


@dataclass(slots=True)
class Intake:
    """Hands events to a matcher.

    Attributes:
        site: Ours.
        touched: Calls that events were about since somebody last took them away.
    """

    site: SiteId
    matcher: Matcher
    touched: set[str] = field(default_factory=set)

    def apply(self, event: bus.Event, now: float) -> Sequence[Effect | Rescue]:
        """Take one event in; one that does not concern the matcher changes nothing."""
        match event:
            case bus.PhoneSeen(agent=agent, node=node, reachable=reachable, at=at):
                phone = AgentId(agent)
                return self.matcher.phone_seen(phone, reachable=reachable, now=now, node=NodeId(node), at=at)
            case bus.AgentAsked(agent=agent):
                return self.matcher.asked(AgentId(agent), wish_of(event), now)
            case bus.TransferAsked(call_id=call_id):
                self.touched.add(call_id)
                return asked_of(self.matcher, event, now)
            case bus.NodeSnapshot():
                return self._reconcile(event, now)
            case (
                bus.CallWaiting()
                | bus.CallbackWanted()
                | bus.CallGone()
                | bus.CallJournalled()
                | bus.CallInNet()
                | bus.OfferTaken()
                | bus.OfferFailed()
                | bus.AgentRinging()
                | bus.AgentAnswered()
                | bus.AgentLegGone()
                | bus.CallTransferred()
            ):
                self.touched.add(event.call_id)
                return self._of_call(event, now)
            case _:
                return []

    def _of_call(self, event: Told, now: float) -> list[Effect]:
        matcher, call_id = self.matcher, CallId(event.call_id)
        match event:
            case bus.CallWaiting():
                return matcher.call_waiting(waiting_of(event, self.site), now)
            case bus.CallGone() | bus.CallJournalled() | bus.CallbackWanted() | bus.CallInNet():
                return matcher.call_gone(call_id, now, event.at)
            case bus.OfferTaken(agent=agent, fence=fence, at=at):
                return matcher.taken(call_id, AgentId(agent), fence, now, at)
            case bus.OfferFailed(agent=agent, fence=fence, status="CANCEL", at=at):
                # Told by an agent's node of another node's caller alone.
                return matcher.called_off(call_id, AgentId(agent), fence, now, at)
            case bus.OfferFailed(agent=agent, fence=fence, status=status):
                return matcher.failed(call_id, AgentId(agent), fence, now, status)
            case bus.AgentRinging(agent=agent, at=at):
                return matcher.rung(call_id, AgentId(agent), now, at)
            case bus.AgentAnswered(agent=agent, at=at):
                return matcher.answered(call_id, AgentId(agent), now, at)
            case bus.AgentLegGone(agent=agent, at=at):
                return matcher.agent_free(AgentId(agent), now, call_id, at)
            case bus.CallTransferred(kind=kind, at=at):
                return matcher.transferred(call_id, kind, now, at)

    # Snapshots -----------------------------------------------------------------------------------------------

    def _reconcile(self, snapshot: bus.NodeSnapshot, now: float) -> list[Effect | Rescue]:
        """Make the pool and the seats agree with what a node really has.

        A snapshot stands in the bus after all that was told of its channels, also after what happened while it was
        made: it shows what was true at its `at`.
        """
        effects: list[Effect | Rescue] = []
        for call_id in self._gone(snapshot):
            self.touched.add(call_id)
            effects += self.matcher.call_gone(call_id, now)
        for agent, call_id in talks_shown(self.matcher, snapshot):
            self.touched.add(call_id)
            effects += self.matcher.answered(call_id, agent, now, snapshot.at)
        effects += seats_shown(self.matcher, snapshot, now)
        return [*effects, *self._unknown(snapshot)]

    def _gone(self, snapshot: bus.NodeSnapshot) -> list[CallId]:
        present = {channel.call_id for channel in snapshot.channels if channel.caller_leg}
        ours = [*self.matcher.waiting.values(), *(offer.call for offer in self.matcher.offers.values())]
        return [
            call.call_id
            for call in ours
            if call.node == snapshot.node and call.call_id not in present and call.since < snapshot.at - 1
        ]

    def _unknown(self, snapshot: bus.NodeSnapshot) -> Iterator[Rescue]:
        matcher = self.matcher
        for channel in snapshot.channels:
            call_id = CallId(channel.call_id)
            if not channel.caller_leg or channel.context != HOLD or not call_id:
                continue
            if call_id not in matcher.waiting and call_id not in matcher.offers and call_id not in matcher.gone:
                yield Rescue(call_id, NodeId(snapshot.node), channel.channel)


def waiting_of(event: bus.CallWaiting | bus.AgentWanted, site: SiteId) -> Waiting:
    """Read a call of a site."""
    need = Need(
        dialect=DialectId(event.dialect),
        business=_known(Business, event.business, Business.OTHER),
        city=CityId(event.city),
        lane=_known(Lane, event.lane, Lane.NORMAL),
        county=CountyId(event.county),
        only_dialect=event.only_dialect,
    )
    call_id, node = CallId(event.call_id), NodeId(event.node)
    call = Waiting(call_id, node, event.channel, need, event.since, site)
    if isinstance(event, bus.CallWaiting):
        return replace(call, moved_at=event.moved_at, wanted=AgentId(event.wanted))
    return call


def asked_of(matcher: Matcher, event: bus.TransferAsked, now: float) -> list[Effect]:
    """Ask a matcher for a step with a caller who talks, wherever it was told.

    Raises:
        RemoteProtocolError: It is no step that we know.
    """
    try:
        step = Step(event.step)
    except ValueError as error:
        raise RemoteProtocolError(f"TransferAsked: {error}") from error
    if step is Step.CONSULT and now - event.at > ASKED_S:
        return []
    onward = Onward(AgentId(event.to_agent), event.business, event.dialect)
    return matcher.transfer(CallId(event.call_id), AgentId(event.agent), step, onward, now)


def _known(words: type[_Word], text: str, otherwise: _Word) -> _Word:
    """Read a word of a closed set; a newer site may tell one that is not known here."""
    try:
        return words(text)
    except ValueError:
        return otherwise
