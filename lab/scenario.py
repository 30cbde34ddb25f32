"""SIPp scenarios: the elements that callers and phones are rendered with. Pure: a script in, XML out.

A caller's script says what happens from the INVITE on; values that differ from call to call come out of the CSV
file of the run: field 0 is the From header's name and address, fields 1 and 2 are where an ear listens for the call
(address, port), further ones are the script's, the last one is the address that the call comes from. What a call went
through is logged line by line as `number|what|milliseconds`, and a call whose script came to its end logs `scripted`.
"""

from typing import Final

from lab.scripts import Direction

LABEL_END: Final = '  <label id="end"/>'
"""Where a script goes that is over; the last element of each scenario."""

SIPP: Final = ("sh", "-c", 'echo 6000000 2>/dev/null >/proc/self/timerslack_ns; exec sipp "$@"', "sipp")
"""Runs SIPp, whose arguments follow.

It looks for work every millisecond, with calls or without: a dozen of them take a tenth of a core. With a timer slack
of 6 ms (how late the kernel may be with a timer) less than half of that. A packet that comes wakes it at once all the
same.
"""


def run_name(name: str) -> tuple[str, ...]:
    """Give SIPp's arguments that name a run: its `[run]` in tags, branches and Call-IDs.

    SIPp takes its process id for that, which is the same small number in every process namespace: two runs would
    make one dialog.
    """
    return ("-key", "run", name, "-cid_str", f"%u-{name}@%s")


def one_socket_an_address(port: int, field: int) -> tuple[str, ...]:
    """Give SIPp's arguments for callers of several addresses; `[server_ip]` and `[port]` are then those of the call.

    SIPp 3.8 has 0 as `[local_port]` of a socket's second call, and room for 50,000 sockets unless told otherwise.

    Args:
        port: The same at each address.
        field: Of the CSV file, with the address.
    """
    return ("-t", "ui", "-ip_field", str(field), "-p", str(port), "-key", "port", str(port), "-max_socket", "100")


def scenario(name: str, body: list[str]) -> str:
    """Make a whole scenario of its elements."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return f'{head}<scenario name="{name}">\n' + "\n".join(body) + "\n</scenario>\n"


def send(message: str, attributes: str = "") -> str:
    """Send a message, each line indented by six spaces."""
    return f"  <send {attributes}>\n    <![CDATA[\n\n{message}\n\n    ]]>\n  </send>"


def recv(request: str, attributes: str = "", *actions: str) -> str:
    """Wait for a request."""
    inner = f"<action>{''.join(actions)}</action>" if actions else ""
    return f'  <recv request="{request}" {attributes}>{inner}</recv>'


def keep(header: str, regexp: str, name: str) -> str:
    """Keep what a regular expression finds in a header as the variable `name`."""
    return f'<ereg regexp="{regexp}" search_in="hdr" header="{header}" assign_to="{name}"/>'


def accepted(direction: Direction) -> list[str]:
    """Wait for the answer to a re-INVITE; it must take the direction that was offered."""
    answer = "recvonly" if direction == "sendonly" else "sendrecv"
    check = f'<ereg regexp="a={answer}" search_in="body" check_it="true" assign_to="direction"/>'
    return [
        '  <recv response="100" optional="true"/>',
        f'  <recv response="200"><action>{check}</action></recv>',
        '  <Reference variables="direction"/>',
    ]


def do(action: str) -> str:
    """Do something between two messages."""
    return f"  <nop><action>{action}</action></nop>"


def log(what: str) -> str:
    """Note that something happened to the call, and when."""
    return do(log_action(what))


def log_action(what: str) -> str:
    """Note the same as part of what is done with a message."""
    return f'<log message="[call_number]|{what}|[clock_tick]"/>'


def end() -> str:
    """Go to `LABEL_END`."""
    return '  <nop next="end"/>'


def reply(
    status: str, *, first: bool = False, cseq: str = "[last_CSeq:]", content: str = "", attributes: str = ""
) -> str:
    """Reply to the last request; `first` adds our tag, which later requests of the dialog carry already."""
    tag = ";tag=[run]p[call_number]" if first else ""
    contact = "      Contact: <sip:phone@[local_ip]:[local_port]>\n" if content else ""
    return send(
        f"""      SIP/2.0 {status}
      [last_Via:]
      [last_Record-Route:]
      [last_From:]
      [last_To:]{tag}
      [last_Call-ID:]
      {cseq}
{contact}{content or "      Content-Length: 0"}""",
        attributes,
    )
