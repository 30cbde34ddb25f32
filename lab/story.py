"""What happened to each call, put together from the edge's accounting and the sites' buses. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tieline import bus
from tieline.model import Outcome

ACCOUNTING: Final = "ACC"
_ACCOUNTING_FIELDS: Final = 8
_LAST_DIGITS: Final = 11
_ABANDONED: Final = (Outcome.ABANDONED_MENU, Outcome.ABANDONED_WAITING)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a call, at Unix time `at`."""

    at: float
    what: str
    detail: str = ""


@dataclass(slots=True)
class Story:
    """One call.

    Attributes:
        city: As the edge stamped it.
        number: Last digits of the caller's number, as far as the node saw it.
        outcome: Empty until the hang-up is on disk.
        ticket: Its number, empty without one.
    """

    call_id: str
    city: str = ""
    number: str = ""
    outcome: str = ""
    dialect: str = ""
    business: str = ""
    ticket: str = ""
    offered: bool = False
    moments: list[Moment] = field(default_factory=list)

    def timeline(self) -> tuple[Moment, ...]:
        """Give the moments in the order of time."""
        return tuple(sorted(self.moments, key=lambda moment: moment.at))


class Stories:
    """Collects what is told of calls, in any order and from any number of sites."""

    def __init__(self) -> None:
        self._stories: dict[str, Story] = {}

    @property
    def calls(self) -> Mapping[str, Story]:
        """Every call heard of, by call id."""
        return self._stories

    def of_number(self, number: str) -> Story | None:
        """Find the newest call from a number, by its last eleven digits."""
        wanted = number[-_LAST_DIGITS:]
        return next((story for story in reversed(self._stories.values()) if story.number == wanted), None)

    def take_accounting(self, line: str) -> None:
        """Take one line of the edge: `ACC seconds call city site what status cause`; others are ignored."""
        words = line.split()
        if len(words) != _ACCOUNTING_FIELDS or words[0] != ACCOUNTING:
            return
        _, at, call_id, city, site, what, status, cause = words
        story = self._story(call_id)
        story.city = city
        if what == "offered":
            story.offered = True
            story.moments.append(Moment(float(at), "edge", city))
        elif what == "routed":
            story.moments.append(Moment(float(at), "to", site))
        elif what == "final" and cause != "-":
            story.moments.append(Moment(float(at), "refused", f"{status}, cause {cause}"))

    def take(self, event: bus.Event) -> None:
        """Take one event of a site's bus; those of no call are ignored."""
        match event:
            case bus.CallArrived():
                story = self._note(event, "refuse" if event.refused_cause else "admit", event.node)
                story.city = story.city or event.city
                story.number = event.number[-_LAST_DIGITS:]
            case bus.MenuChosen(dialect=dialect, business=business):
                story = self._note(event, "menu", f"{dialect} {business}".strip())
                story.dialect, story.business = dialect, business or story.business
            case bus.CallWaiting():
                self._note(event, "route")
            case bus.OfferTaken(agent=agent):
                self._note(event, "match", agent)
            case bus.AgentAnswered(agent=agent):
                self._note(event, "talk", agent)
            case bus.CallRated(rating=rating):
                self._note(event, "rating", str(rating))
            case bus.CallJournalled(outcome=outcome):
                story = self._note(event, "hang-up", outcome)
                story.outcome = outcome
            case bus.TicketMade(ticket=ticket, kind=kind):
                story = self._note(event, "ticket", f"{kind} {ticket}")
                story.ticket = ticket
            case _:
                return

    def _note(
        self,
        event: bus.CallArrived
        | bus.MenuChosen
        | bus.CallWaiting
        | bus.OfferTaken
        | bus.AgentAnswered
        | bus.CallRated
        | bus.CallJournalled
        | bus.TicketMade,
        what: str,
        detail: str = "",
    ) -> Story:
        story = self._story(event.call_id)
        story.moments.append(Moment(event.at, what, detail))
        return story

    def _story(self, call_id: str) -> Story:
        return self._stories.setdefault(call_id, Story(call_id))


@dataclass(frozen=True, slots=True)
class Tally:
    """The books of some calls; `lost` are those without an outcome."""

    offered: int
    answered: int
    abandoned: int
    refused: int
    lost: int
    tickets: int

    @property
    def balances(self) -> bool:
        """Whether every offered call has exactly one outcome."""
        return self.lost == 0 and self.offered == self.answered + self.abandoned + self.refused


def tally(stories: Iterable[Story]) -> Tally:
    """Count calls by outcome. Offered is what the edge counted, outside of all our Python."""
    calls = list(stories)
    return Tally(
        offered=sum(call.offered for call in calls),
        answered=sum(call.outcome in (Outcome.ANSWERED, Outcome.SELF_SERVED) for call in calls),
        abandoned=sum(call.outcome in _ABANDONED for call in calls),
        refused=sum(call.outcome == Outcome.REFUSED for call in calls),
        lost=sum(call.outcome in ("", Outcome.LOST) for call in calls),
        tickets=sum(bool(call.ticket) for call in calls),
    )
