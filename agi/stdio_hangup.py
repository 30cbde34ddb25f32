#!/usr/bin/env python3
"""The hang-up script of last resort: Asterisk starts it, on its own host, when no AGI server answers.

`AGI(stdio_hangup.py,<journal directory>[,<site>])` on the caller's channel. It asks for all facts in one command,
appends one record with witness `stdio` to the journal, syncs it and exits 0; it exits 1 when the record is not on
disk. It runs under the host's python3 with pyst2, outside Tieline's virtual environment, so it imports nothing of
ours; that it writes just what `crm_adapter.facts.from_variables` makes of the same variables is held by a test.

pyst2 0.5.1 needs care (each point has a test): its session chatter goes to stderr; its SIGHUP handler would end the
session, and Asterisk sends SIGHUP to each script whose caller has hung up, as here always; it takes a value that
reads `hangup` for a hang-up; it spins for ever when Asterisk goes away inside a 520 answer. So only its header
reading and sending are used, and an alarm ends whatever lasts too long: the record is then written with what is
known by then.
"""

import io
import json
import math
import os
import re
import secrets
import signal
import sys
import time

VARIABLES = {
    "call_id": "TL_CALL",
    "city": "TL_CITY",
    "trunk": "TL_TRUNK",
    "number_state": "TL_NUMSTATE",
    "number": "TL_NUMBER",
    "dialect": "TL_DIALECT",
    "business": "TL_BUSINESS",
    "refused_cause": "TL_REFUSED",
    "agent": "TL_AGENT",
    "arrived_at": "TL_ARRIVED",
    "answered_at": "TL_ANSWERED",
    "menu_done_at": "TL_MENU_AT",
    "waiting_since": "TL_SINCE",
    "agent_answered_at": "TL_AGENT_AT",
    "legs": "TL_LEGS",
    "rating": "TL_RATING",
    "recording": "TL_RECORDING",
    "net": "TL_NET",
    "called_back": "TL_CALLED_BACK",
    "raw_number": "TL_RAW",
    "quota_version": "TL_QUOTA",
    "lines_in_use": "TL_USED",
}
ABOUT = ("UNIQUEID", "CHANNEL", "CHANNEL(linkedid)", "CHANNEL(hangupsource)", "HANGUPCAUSE", "SYSTEMNAME", "TL_SITE")
"""What else is asked for; the last two are globals of the node."""

PATIENCE_S = 2
LONGEST = 128
LATEST = 1e11
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
RAW = re.compile(r"\+?[0-9]{3,24}")
E164 = re.compile(r"\+[1-9][0-9]{2,17}")
FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}")
LEG = re.compile(
    r"(a[0-9]{3,8}):([a-z_]*)@([0-9]{1,12}(?:\.[0-9]{0,9})?)(?:-([0-9]{1,12}(?:\.[0-9]{0,9})?))?", re.ASCII
)
DIGITS = re.compile(r"[0-9]{1,3}", re.ASCII)
COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
TIME = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,9})?", re.ASCII)
NOT_IN_ID = re.compile(r"[^a-z0-9.-]")
CALL_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|[a-z0-9][a-z0-9-]{0,31}:[a-z0-9.-]{1,64}"
)
NUMBER_STATES = ("shown", "withheld", "unusable")
BUSINESSES = ("repair", "billing", "outage", "expansion", "complaint", "other")
WORST_CAUSE = 127
WORST_RATING = 4


class Overdue(Exception):
    """The alarm rang."""


def record_of(variables: dict[str, str], *, hangup_at: float) -> dict[str, object]:
    """Make the journal's record of what was read; anything missing or malformed becomes empty or 0.

    Args:
        variables: Values by the names in `VARIABLES` and `ABOUT`.
        hangup_at: Unix seconds.
    """

    def text(fact: str) -> str:
        return variables.get(VARIABLES[fact], "")

    node, uniqueid = variables.get("SYSTEMNAME", ""), variables.get("UNIQUEID", "")
    hangup = hangup_at if math.isfinite(hangup_at) and 0 < hangup_at < LATEST else 0.0
    state = text("number_state") if text("number_state") in NUMBER_STATES else ""
    record: dict[str, object] = {
        "v": 1,
        "call_id": call_id_of(text("call_id"), node, uniqueid, hangup),
        "node": printable(node),
        "site": printable(variables.get("TL_SITE", "")),
        "uniqueid": printable(uniqueid),
        "linkedid": printable(variables.get("CHANNEL(linkedid)", "")),
        "channel": printable(variables.get("CHANNEL", "")),
        "city": matching(WORD, text("city")),
        "trunk": matching(WORD, text("trunk")),
        "number_state": state,
        "number": matching(E164, text("number")) if state == "shown" else "",
        "dialect": matching(WORD, text("dialect")),
        "business": text("business") if text("business") in BUSINESSES else "",
        "outcome": "lost",
        "refused_cause": number_up_to(WORST_CAUSE, text("refused_cause")),
        "agent": matching(WORD, text("agent")),
        "arrived_at": seconds(text("arrived_at")),
        "answered_at": seconds(text("answered_at")),
        "menu_done_at": seconds(text("menu_done_at")),
        "waiting_since": seconds(text("waiting_since")),
        "agent_answered_at": seconds(text("agent_answered_at")),
        "hangup_at": hangup,
        "hangup_cause": number_up_to(WORST_CAUSE, variables.get("HANGUPCAUSE", "")),
        "hangup_source": printable(variables.get("CHANNEL(hangupsource)", "")),
        "estimated": False,
        "legs": legs_of(text("legs"), hangup),
        "rating": number_up_to(WORST_RATING, text("rating")),
        "recording": matching(FILE, text("recording")),
        "witness": "stdio",
        "net": text("net") == "1",
        "called_back": text("called_back") == "1",
        "raw_number": "" if state else matching(RAW, text("raw_number")),
        "quota_version": count(text("quota_version")),
        "lines_in_use": count(text("lines_in_use")),
        "borrowed": [],
    }
    record["outcome"] = outcome_of(record)
    return record


def outcome_of(record: dict[str, object]) -> str:
    """Tell how the call ended, by the same rule as `crm_adapter.record.outcome_of`."""
    if record["agent_answered_at"]:
        return "called_back" if record["called_back"] else "answered"
    if record["refused_cause"]:
        return "refused"
    if record["waiting_since"]:
        return "abandoned_waiting"
    if record["menu_done_at"]:
        platform_left = record["hangup_source"] not in ("", record["channel"])
        return "self_served" if platform_left or record["business"] == "outage" else "abandoned_menu"
    return "abandoned_menu" if record["arrived_at"] or record["answered_at"] else "lost"


def call_id_of(text: str, node: str, uniqueid: str, at: float) -> str:
    """Give the call id, or `node:uniqueid` when there is none."""
    if CALL_ID.fullmatch(text):
        return text
    if not node and not uniqueid:
        return f"unknown:{at:.6f}"  # one of its own: nameless calls must not become one
    left = NOT_IN_ID.sub("", node.lower()).replace(".", "").strip("-")[:32] or "unknown"
    return f"{left}:{NOT_IN_ID.sub('', uniqueid.lower())[:64] or '0'}"


def legs_of(text: str, over_at: float) -> list[dict[str, object]]:
    """Read the agents' parts of the talk in order; one without an end lasted until the call was over."""
    found = [LEG.fullmatch(part) for part in text.split("&")]
    legs = [
        {
            "agent": leg[1],
            "business": leg[2] if leg[2] in BUSINESSES else "",
            "begin": seconds(leg[3]),
            "end": seconds(leg[4]) if leg[4] else over_at,
        }
        for leg in found
        if leg
    ]
    return sorted(legs, key=lambda leg: leg["begin"])


def printable(text: str) -> str:
    """Keep printable ASCII, at most 128 characters."""
    return "".join(c for c in text if " " <= c <= "~")[:LONGEST]


def matching(form: re.Pattern[str], text: str) -> str:
    """Give `text` when it has the form, else empty."""
    return text if form.fullmatch(text) else ""


def number_up_to(highest: int, text: str) -> int:
    """Read a whole number, 0 when it is none or too high."""
    value = int(text) if DIGITS.fullmatch(text) else 0
    return value if value <= highest else 0


def count(text: str) -> int:
    """Read a whole number of at most nine digits, 0 when it is none."""
    return int(text) if COUNT.fullmatch(text) else 0


def seconds(text: str) -> float:
    """Read Unix seconds, 0 when they are none."""
    value = float(text) if TIME.fullmatch(text) else 0.0
    return value if value < LATEST else 0.0


# --- the session with Asterisk -------------------------------------------------------------------------------


def ask(variables: dict[str, str]) -> None:
    """Fill in what Asterisk knows: first the headers of the session, then all variables by one command.

    Values are told apart by a mark that is random, so no value can pretend to be another one.
    """
    from asterisk.agi import AGI

    session = AGI(
        stdin=io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n"),
        stdout=sys.stdout,
        stderr=io.StringIO(),
    )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for name, header in (("UNIQUEID", "uniqueid"), ("CHANNEL", "channel"), ("TL_CALL", "accountcode")):
        variables[name] = session.env.get(f"agi_{header}", "")
    names = (*VARIABLES.values(), *ABOUT)
    mark = f"<{secrets.token_hex(6)}>"
    session.send_command(
        "GET FULL VARIABLE", '"' + mark + mark.join("${" + name + "}" for name in names) + mark + '"'
    )
    answer = session.stdin.readline()
    while answer == "HANGUP\n":
        answer = session.stdin.readline()
    if not answer.startswith("200 result=1 ("):
        return
    while answer.count(mark) <= len(names):  # a value may hold a newline
        line = session.stdin.readline()
        if not line:
            break
        answer += line
    values = zip(names, answer.split(mark)[1:], strict=False)
    variables.update((name, value) for name, value in values if value)


def append(directory: str, record: dict[str, object], *, now: float) -> None:
    """Append one line to the day's file and sync it; the file is shared, each write goes to its end as a whole."""
    os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - pathlib would cost 5 ms of start
    path = os.path.join(directory, time.strftime("stdio-%Y%m%d.jsonl", time.gmtime(now)))  # noqa: PTH118
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(handle, line) != len(line):
            raise OSError("short write")
        os.fdatasync(handle)
    finally:
        os.close(handle)
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def ring(_signal: int, _frame: object) -> None:
    """End a wait for Asterisk."""
    raise Overdue


def main(arguments: list[str]) -> int:
    """Write the record; returns the exit status."""
    now = time.time()
    if not arguments:
        sys.stderr.write("stdio_hangup: give the journal directory as the first argument\n")
        return 2
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE_S)
    variables: dict[str, str] = {}
    try:
        try:
            ask(variables)
        finally:
            signal.alarm(0)
    except Exception as error:  # noqa: BLE001 - the top frame: whatever pyst2 or Asterisk do, the record is written
        sys.stderr.write(f"stdio_hangup: {error.__class__.__name__} {error}\n")
    if len(arguments) > 1:
        variables["TL_SITE"] = arguments[1]
    elif not variables.get("TL_SITE"):
        variables["TL_SITE"] = variables.get("SYSTEMNAME", "").rpartition("-")[0]
    try:
        append(arguments[0], record_of(variables, hangup_at=now), now=now)
    except OSError as error:
        sys.stderr.write(f"stdio_hangup: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    # The exit status is all that is left to say; skipping the interpreter's own end saves some milliseconds and a
    # failing flush to a pipe that Asterisk may have closed.
    os._exit(main(sys.argv[1:]))
