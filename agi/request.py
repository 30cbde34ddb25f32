"""What Asterisk says of a call when it asks: the header block, typed, made once and never changed."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

_UNKNOWN: Final = "unknown"
"""What Asterisk writes for a caller number or caller name it has not got."""


class Request:
    """One FastAGI request: which script, for which channel. Values are as the caller sent them: trust none.

    Attributes:
        headers: All headers by their names on the wire, e.g. `agi_threadid`; see `agi.events.SessionStarted` for
            what a value may hold.
        script: Path of the agi:// address without its first slash, blanks and query: `menu` for `agi://host/menu?x=1`.
    """

    __slots__ = ("_query", "headers", "script")

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Read the script's name; everything else is read from the headers when asked for."""
        script, _, query = headers.get("agi_network_script", "").partition("?")
        self.headers: Final = headers
        self.script: Final = script
        self._query: Final = query

    def _known(self, header: str) -> str:
        value = self.headers.get(header, "")
        return "" if value == _UNKNOWN else value

    @property
    def query(self) -> dict[str, str]:
        """Arguments behind the `?` of the agi:// address, percent-decoded; the last of one name counts."""
        return dict(parse_qsl(self._query, keep_blank_values=True)) if self._query else {}

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments behind the address in `AGI(agi://host/script,first,second)`."""
        values: list[str] = []
        while (value := self.headers.get(f"agi_arg_{len(values) + 1}")) is not None:
            values.append(value)
        return tuple(values)

    @property
    def channel(self) -> str:
        """Channel name, e.g. `PJSIP/edge-00000001`."""
        return self.headers.get("agi_channel", "")

    @property
    def uniqueid(self) -> str:
        """Asterisk's name of the channel, e.g. `fuzhou-1-1795253117.12`."""
        return self.headers.get("agi_uniqueid", "")

    @property
    def account_code(self) -> str:
        """CHANNEL(accountcode): the call id."""
        return self.headers.get("agi_accountcode", "")

    @property
    def caller_number(self) -> str:
        """The caller's number as it came, empty when there is none. Personal data."""
        return self._known("agi_callerid")

    @property
    def caller_name(self) -> str:
        """The caller's name as it came, empty when there is none. Personal data."""
        return self._known("agi_calleridname")

    @property
    def presentation(self) -> str:
        """Caller presentation as Asterisk's number (`agi_callingpres`): bits 0x60 are 0x20 when withheld."""
        return self.headers.get("agi_callingpres", "")

    @property
    def context(self) -> str:
        """Dialplan context from which AGI was called."""
        return self.headers.get("agi_context", "")

    @property
    def exten(self) -> str:
        """Dialplan extension from which AGI was called."""
        return self.headers.get("agi_extension", "")

    @property
    def language(self) -> str:
        """Language of the channel, e.g. `zh`."""
        return self.headers.get("agi_language", "")
