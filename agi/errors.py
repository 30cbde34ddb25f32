"""What may go wrong on a FastAGI connection. A hang-up is no error: `CallerGone` is control flow."""

from enum import StrEnum

from tieline.errors import RemoteProtocolError, TielineError


class Fault(StrEnum):
    """How a peer broke the FastAGI protocol; the label of a counter."""

    NOT_AGI = "not_agi"
    """The first bytes are not `agi_`: binary, a port scan, another protocol."""
    BAD_HEADER = "bad_header"
    """A header came twice, or the arguments are not the last headers in the order 1, 2, 3."""
    LINE_TOO_LONG = "line_too_long"
    TOO_MANY_HEADERS = "too_many_headers"
    TOO_LARGE = "too_large"
    """The header block, or one answer of several lines, is larger than allowed."""
    UNSOLICITED = "unsolicited"
    """A line came although no command was outstanding, and it was not `HANGUP`."""
    BAD_REPLY = "bad_reply"
    """A line that has no form of an answer."""


class AgiProtocolError(RemoteProtocolError):
    """The peer sent what no Asterisk sends; the connection is of no more use."""

    def __init__(self, fault: Fault) -> None:
        """Remember the kind of fault; what the peer sent is never kept, it may hold personal data."""
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        """Name the fault."""
        return f"FastAGI peer broke the protocol: {self.fault}"


class CommandRefused(TielineError):
    """Asterisk does not know the command (510), its syntax (520), the application (-2), or its place (511)."""

    def __init__(self, verb: str, code: int) -> None:
        """Remember the command's first words and the answer's code (for an unknown application: -2)."""
        super().__init__(verb, code)
        self.verb = verb
        self.code = code

    def __str__(self) -> str:
        """Name the command and the code."""
        return f"Asterisk refused {self.verb}: {self.code}"


class PromptFailed(TielineError):
    """Asterisk could not play: a file is missing, or in a format that cannot be converted."""

    def __init__(self, prompts: tuple[str, ...]) -> None:
        """Remember the prompts that were to be played."""
        super().__init__(prompts)
        self.prompts = prompts

    def __str__(self) -> str:
        """Name the prompts."""
        return f"could not play: {'&'.join(self.prompts)}"


class CallerGone(Exception):  # a hang-up is an event: neither a TielineError nor anything to log
    """The caller hung up. A script may catch it to tidy up; it then ends by returning or raising it again."""
