"""The two arms of `tieline bench call`, in one lab: Fuzhou's node is Tieline's, Xiamen's has a plain dialplan.

The plain node has no AGI, no AMI, and its site runs no Tieline; its Redis is idle, so neither arm can cost the
other anything. The replica of Fuzhou's Redis there counts as Redis of Tieline's arm. Both have the same programs,
prompts, codecs, number of agents and phones.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import jinja2
import msgspec

from agi.scripts.voice import Voice, load_voice
from ivr_prompts.flow import Ask, MenuFlow
from lab.calls import Caller, CallRun, unallocated_number
from lab.errors import LabError
from lab.mix import SEATS, agents_text
from lab.parts import Orders, Part
from lab.phones import PhoneGroup
from lab.plan import HOME, LabPlan, python_parts, state_of
from lab.root import Say
from lab.scenario_media import keys_ms
from lab.scripts import Answers, HangUp, Pause, Press, Talks
from lab.setup import make_plan, prepare
from routing.agents import load_agents
from tieline.loopback import shift_loopback
from tieline.model import MANDARIN, AgentId, Business, CityId, SiteId
from tieline.topology import Node, Topology
from tieline.topology_file import load_topology

KEYS: Final = "91991"
"""Repeat, Mandarin, repeat, repeat, repair: five keys, each of which cuts a prompt."""
GREETED_MS: Final = 600
WAIT_MS: Final = 1000
"""The agent's phone rings so long; the caller hears ringing or music meanwhile."""
TALK_MS: Final = 2000
MATCH_MS: Final = 200
"""The hold loop looks every 200 ms; the caller gives the talk so much more."""
RING_S: Final = 12
WRAP_UP_S: Final = 1
_TEMPLATES: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: its name, the site whose node serves it, and the city whose callers reach that node."""

    name: str
    site: SiteId
    city: CityId


TIELINE: Final = Arm("tieline", SiteId("fuzhou"), CityId("fuzhou"))
PLAIN: Final = Arm("plain", SiteId("xiamen"), CityId("quanzhou"))

SCRIPT: Final = Talks(
    (
        Pause(GREETED_MS),
        Press(KEYS),
        Pause(keys_ms(KEYS) + WAIT_MS + MATCH_MS + TALK_MS),
        HangUp(),
    )
)
"""What every caller does: the tone begins when the keys are played, and the caller hangs up."""


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt of the menus as `Read()` takes it."""

    files: str
    max_digits: int
    timeout_s: float


def arms_plan(instance: int, say: Say) -> LabPlan:
    """Plan the lab of both arms: PostgreSQL, all seats staffed with people who can do everything.

    Raises:
        ConfigError: The example is faulty.
        LabError: The private root cannot be made.
    """
    state = state_of(HOME / ".tieline", instance)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    agents_file = state / "agents.toml"
    agents_file.write_text(agents_text(list(_staff())))
    topology_file = HOME / "examples/fujian.toml"
    agents = load_agents(agents_file, shift_loopback(load_topology(topology_file), instance))
    script = Answers(ring_ms=WAIT_MS)
    phones = {
        arm.site: (PhoneGroup(arm.site, tuple(one.id for one in agents.values() if one.site == arm.site), script),)
        for arm in (TIELINE, PLAIN)
    }
    plan = make_plan(instance, say, agents_file=agents_file, database="postgresql", phones=phones)
    return replace(plan, wrap_up_s=WRAP_UP_S, recording=False)


def _staff() -> Iterator[dict[str, object]]:
    names = tomllib.loads((HOME / "examples/agents.toml").read_text(encoding="utf-8"))["agent"]
    every = {dialect for row in names for dialect in row["dialects"]}  # each staffed one must be spoken by somebody
    for first, arm in ((1001, TIELINE), (2001, PLAIN)):
        for number in range(SEATS):
            yield {
                "id": AgentId(f"a{first + number}"),
                "site": str(arm.site),
                "name": names[number % len(names)]["name"],
                "dialects": dict.fromkeys(sorted(every) if number == 0 else (str(MANDARIN),), "fluent"),
                "business": {str(business): "fluent" for business in Business},
            }


def prepare_arms(plan: LabPlan, say: Say) -> Orders:
    """Write what both arms read; gives the orders without Tieline at the plain site.

    Raises:
        LabError: Prompts or configuration cannot be made.
    """
    orders = prepare(plan, say)
    for node in plan.topology.sites[PLAIN.site].nodes:
        for name, text in plain_files(plan, load_voice(plan.sounds)):
            (_etc(plan, node) / name).write_text(text)
    return msgspec.structs.replace(orders, parts=tuple(arm_parts(plan.topology, orders.parts)))


def arm_parts(topology: Topology, parts: Iterable[Part]) -> Iterator[Part]:
    """Take Tieline out of the plain site; what came after it comes after its nodes. Pure.

    Redis stays: the other site reads a replica of it, and is read there. Nobody writes into it.
    """
    gone = {*python_parts(topology.sites[PLAIN.site])}
    nodes = tuple(node.id for node in topology.sites[PLAIN.site].nodes)
    for part in parts:
        if part.name in gone:
            continue
        if gone & set(part.after):
            part = msgspec.structs.replace(  # noqa: PLW2901
                part, after=(*(name for name in part.after if name not in gone), *nodes)
            )
        yield part


def plain_files(plan: LabPlan, voice: Voice) -> Iterator[tuple[str, str]]:
    """Render what the plain node reads instead of Tieline's files: name and text."""
    agents = [agent for group in plan.phones[PLAIN.site] for agent in group.agents]
    flow = voice.flow(plan.topology.cities[TIELINE.city], remembered=None)
    values = {
        "hotline": plan.topology.hotline,
        "questions": questions(flow, voice.files),
        "agents": agents,
        "ring_s": RING_S,
        "wrap_up_s": WRAP_UP_S,
    }
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration text, not HTML
    )
    yield "extensions.conf", templates.get_template("call_plain.conf.j2").render(values)
    yield "queues.conf", templates.get_template("call_plain_queues.conf.j2").render(values)
    yield "manager.conf", "[general]\nenabled = no\n"


def questions(flow: MenuFlow, files: Callable[[tuple[str, ...]], tuple[str, ...]]) -> tuple[Question, ...]:
    """Give what a caller who presses `KEYS` is asked in Tieline's menus, one question for each key. Pure.

    Args:
        flow: The menus of a caller whose dialect is not known.
        files: Makes absolute sound files of a question's.

    Raises:
        LabError: The menus changed: those keys no longer lead through them.
    """
    step, found = flow.start(), list[Question]()
    for key in KEYS:
        if not isinstance(step, Ask):
            raise LabError(f"the keys {KEYS} do not fit the menus: {step}")
        found.append(Question("&".join(files(step.files)), step.max_digits, step.timeout_ms / 1000))
        step = flow.on_digits(key)
    if isinstance(step, Ask):
        raise LabError(f"the keys {KEYS} do not lead out of the menus")
    return tuple(found)


def run_of(plan: LabPlan, arm: Arm, calls: int, rate_per_s: float, first_serial: int) -> CallRun:
    """Describe a round of calls; each caller has a number that has not called yet (a known one is asked less)."""
    place = plan.topology.cities[arm.city]
    source = place.trunk_groups[0].source
    numbers = (unallocated_number(place.area_code, first_serial + at) for at in range(calls))
    callers = tuple(Caller(f"<sip:{number}@{source}>") for number in numbers)
    return CallRun(
        city=arm.city, script=SCRIPT, callers=callers, rate_per_s=rate_per_s, limit_s=calls / rate_per_s + 60
    )


def _etc(plan: LabPlan, node: Node) -> Path:
    return plan.state / "conf" / node.id / "etc" / "asterisk"
