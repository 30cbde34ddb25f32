"""Decisions in plain words. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from routing.decision import Cause, Decision, Fit, Lost, OtherAgent, OtherCall
from routing.why import CallDecisions, Ended, Offered
from tieline.clock import iso_china

_CAUSE: Final = {
    Cause.CALL: "the call came",
    Cause.STEP: "the call had waited until more was open to it",
    Cause.AGENT: "the agent came free",
    Cause.TRANSFER: "the caller was transferred to him",
}
_LOST: Final = {
    Lost.NOT_YET: "not open to it yet",
    Lost.HELD: "held back: a speaker of the dialect was likely to come free soon",
    Lost.RESERVED: "kept for a dialect of which few speakers were idle or soon free",
    Lost.IN_TIME: "kept for a dialect of which few speakers were idle or soon free: another agent was likely to be "
    "free in time for this call",
    Lost.LEFT_OUT: "his site had just not answered for this call",
    Lost.FIT: "fits less well",
    Lost.SITE: "of the other site",
    Lost.SCARCITY: "speaks what is scarcer",
    Lost.PLACE: "knows the caller's place less well",
    Lost.IDLE: "idle for less long",
    Lost.LANE: "of a lower lane",
    Lost.DIALECT: "not in the agent's own dialect",
    Lost.WAIT: "has waited less long",
}
_ENDED: Final = {
    "lease": "nobody took the offer in time",
    "gone": "the caller left, or was served elsewhere",
    "failed": "the agent did not answer",
    "declined": "the call's site did not want the agent any more",
}


def sentences(found: CallDecisions) -> Iterator[str]:
    """Tell what was decided for a call, a line for each thing."""
    yield f"call {found.call_id}"
    for entry in found.decisions:
        match entry:
            case Offered(decision=decision):
                yield from _offer(decision)
            case Ended(at=at, agent=agent, fence=fence, why=why):
                yield f"{iso_china(at, precisely=True)}  offer {fence} to {agent} ended: {_ENDED.get(why, why)}"


def _offer(decision: Decision) -> Iterator[str]:
    yield (
        f"{iso_china(decision.at, precisely=True)}  offered to {decision.agent} (offer {decision.fence}), "
        f"because {_CAUSE[decision.cause]} and he was the best who fitted"
    )
    need = f"{decision.dialect}, {decision.business}; lane {decision.lane}"
    yield f"    asked for: {need}; waited {decision.wait_s:.1f} s"
    yield (
        f"    step {decision.step + 1} of ladder `{decision.ladder}` (version {decision.version}), open after "
        f"{decision.open_s:g} s: {decision.accept} or better"
    )
    yield f"    {decision.agent}: {_fit(decision.fit)}"
    yield from _others("agents not chosen", (_agent(other) for other in decision.other_agents))
    yield from _others("calls passed over", (_call(other) for other in decision.other_calls))


def _others(head: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == 0:
            yield f"    {head}:"
        yield f"      {line}"


def _agent(other: OtherAgent) -> str:
    return f"{other.agent}: {_LOST[other.lost]} ({_fit(other.fit)})"


def _call(other: OtherCall) -> str:
    return f"{other.call_id}: {_LOST[other.lost]} ({other.dialect}, lane {other.lane}, waited {other.wait_s:.1f} s)"


def _fit(fit: Fit) -> str:
    words = [f"{fit.dialect or 'no knowledge'} of the dialect", f"{fit.business or 'no training'} in the business"]
    words += ["other site"] if fit.crosses else []
    words += [f"knows the {fit.place}"] if fit.place else []
    return ", ".join([*words, f"idle {fit.idle_s:.0f} s", f"price {fit.price:.2f}, {fit.scarcity:.2f} for scarcity"])
