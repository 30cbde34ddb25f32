"""Agents' phones: groups of agents that behave alike; each group is one SIPp that plays all its phones.

Every phone registers at every node of its site: a call is then connected on the node where it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.parts import Exits, Part, Succeeds
from lab.scenario import SIPP, run_name
from lab.scenario_phone import phone_xml, register_xml
from lab.scripts import PhoneScript
from lab.tones import AGENT_HZ, tone
from tieline.model import AgentId
from tieline.secrets_file import Secrets
from tieline.topology import Address, Site

FIRST_PORT = 5060
_RTP_FIRST = 20000
_RTP_EACH = 4000
_REGISTERED_PER_S = 100
_REGISTER_PORT = 5160
_CONTROL_PORT = 9100


@dataclass(frozen=True, slots=True)
class PhoneGroup:
    """Agents of one site whose phones behave alike.

    Attributes:
        name: Names the part `phones-<name>`.
        hz: The tone that they send while they talk.
    """

    name: str
    agents: tuple[AgentId, ...]
    script: PhoneScript
    hz: float = AGENT_HZ


def site_phones(
    site: Site, host: str, groups: Sequence[PhoneGroup], folder: Path, after: tuple[str, ...]
) -> Iterable[Part]:
    """Give the parts of a site's phones: for each group the phones, then their registration at each node.

    Args:
        site: Where they work.
        host: Address of all the site's phones; each group has its own port.
        groups: No agent twice.
        folder: Where `write_phones` wrote what they need.
        after: Parts that must be ready before they register.
    """
    for place, group in enumerate(groups):
        at = Address(host, FIRST_PORT + place)
        own = folder / group.name
        rtp = _RTP_FIRST + place * _RTP_EACH
        name = run_name(f"{group.name.replace('-', '')}")
        common = ("-i", host, "-mi", host, "-ci", host, "-nostdin", "-aa", "-f", "3600", *name)
        phones = f"phones-{group.name}"
        yield Part(
            name=phones,
            argv=(
                *(*SIPP, "-sf", str(own / "phone.xml"), "-p", str(at.port), *common),
                *("-min_rtp_port", str(rtp), "-max_rtp_port", str(rtp + _RTP_EACH - 2)),
                *("-trace_err", "-error_file", str(own / "faults.log")),
            ),
            ready=Succeeds(("grep", "-q", f": {_kernel_form(at)} ", "/proc/net/udp")),
            log=str(own / "phones.log"),
            restart=True,
            stop_s=1,
        )
        yield from _registrations(site, common, group, own, place, (*after, phones))


def _registrations(
    site: Site, common: tuple[str, ...], group: PhoneGroup, own: Path, place: int, after: tuple[str, ...]
) -> Iterable[Part]:
    for number, node in enumerate(site.nodes):
        # Ports of its own: registrations of several groups at once would else race for the next free one.
        port = place * len(site.nodes) + number
        yield Part(
            name=f"register-{group.name}" + (f"-{number + 1}" if number else ""),
            argv=(
                *(*SIPP, str(node.sip), "-sf", str(own / "register.xml"), "-inf", str(own / "agents.csv")),
                *("-p", str(_REGISTER_PORT + port), "-cp", str(_CONTROL_PORT + port), *common),
                *("-m", str(len(group.agents)), "-r", str(_REGISTERED_PER_S), "-timeout", "20s", "-timeout_error"),
                # On a busy machine a repeated REGISTER gets a second 401: no reason to give up.
                *("-default_behaviors", "all,-abortunexp"),
                *("-trace_err", "-error_file", str(own / "register-faults.log")),
            ),
            ready=Exits(),
            log=str(own / f"register-{number + 1}.log"),
            after=after,
        )


def write_phones(host: str, groups: Sequence[PhoneGroup], folder: Path, secrets: Secrets) -> None:
    """Write the scenarios, the tone and the agents' accounts of a site's phones."""
    for place, group in enumerate(groups):
        own = folder / group.name
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        (own / "agent.al").write_bytes(tone(group.hz, 1))
        (own / "phone.xml").write_text(phone_xml(group.script, str(own / "agent.al")))
        (own / "register.xml").write_text(register_xml())
        contact = f"{host}:{FIRST_PORT + place}"
        rows = ["SEQUENTIAL"]
        rows += (f"{agent};{secrets.agent_password(agent)};{agent}@{contact}" for agent in group.agents)
        (own / "agents.csv").write_text("\n".join(rows) + "\n")


def _kernel_form(address: Address) -> str:
    """Write an address as /proc/net/udp does: the bytes of a little-endian word, the port, in hex."""
    octets = [int(octet) for octet in address.host.split(".")]
    return "".join(f"{octet:02X}" for octet in reversed(octets)) + f":{address.port:04X}"
