"""What a script sees of a call: the request, and verbs to await.

Every verb has a deadline. A hang-up ends it at once with `CallerGone`; an await of the script's own (Redis, SQL)
can be wrapped in `or_gone` to end as early. On a route for dead channels (the hang-up handler) `HANGUP` lines mean
nothing and verbs go on working.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from agi import commands
from agi.commands import Command
from agi.errors import CallerGone, CommandRefused, PromptFailed
from agi.events import Reply
from agi.request import Request
from tieline.errors import RemoteProtocolError

DEADLINE_S: Final = 5.0
"""For commands that Asterisk answers by itself; a healthy one takes 55 µs."""
PLAY_DEADLINE_S: Final = 120.0
"""For commands that last as long as sound or a caller does."""
HANGUP_GRACE_S: Final = 0.2
"""A failed prompt and a hang-up both give -1; the `HANGUP` line follows at once or not at all."""

_STREAM_STOP: Final = 1000
"""AST_CONTROL_STREAM_STOP of Asterisk's `include/asterisk/frame.h`, which comes back in place of a key."""

Answer = TypeVar("Answer")


class GatherEnd(StrEnum):
    """Why collecting digits ended."""

    FULL = "full"
    """As many digits as asked for."""
    TERMINATOR = "terminator"
    """The caller pressed `#`."""
    TIMEOUT = "timeout"
    """Silence; digits typed before it are kept."""


class Gathered(msgspec.Struct, frozen=True):
    """Digits a caller typed (`0`-`9`, `*`, `A`-`D`), and why there are no more."""

    digits: str
    end: GatherEnd


class Session:
    """One call's conversation with one script. Verbs are awaited one after the other, never at once."""

    __slots__ = ("_dead_channel", "_failure", "_gone", "_hung_up", "_loop", "_send", "_waiter", "request")

    def __init__(self, request: Request, send: Callable[[Command, float], None], *, dead_channel: bool) -> None:
        """Made by the server.

        Args:
            request: What Asterisk asked.
            send: Writes one command whose answer is due within the given seconds.
            dead_channel: The route expects a channel that is hung up already.
        """
        self.request: Final = request
        self._send = send
        self._dead_channel = dead_channel
        self._loop = asyncio.get_running_loop()
        self._hung_up = False
        self._failure: BaseException | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._gone: asyncio.Future[None] | None = None

    @property
    def hung_up(self) -> bool:
        """Whether the caller has hung up (on a route for dead channels: whether Asterisk has said so again)."""
        return self._hung_up

    @property
    def failure(self) -> BaseException | None:
        """Why no verb works any more (`CallerGone`, a lost connection, a missed deadline), or None."""
        return self._failure

    # What scripts call

    async def command(self, command: Command, *, deadline_s: float = DEADLINE_S) -> Reply:
        """Send one command and await its answer.

        Raises:
            CallerGone: The caller hung up, before or while waiting.
            CommandRefused: Asterisk answered 510, 511 or 520.
            ConnectionLost: The connection ended without a hang-up.
            DeadlineExceeded: No answer within `deadline_s` seconds; the session is over.
            LocalProtocolError: Another command is outstanding.
        """
        if self._failure is not None:
            raise self._failure
        self._send(command, deadline_s)
        self._waiter = self._loop.create_future()
        reply = await self._waiter
        if reply.code != 200:
            if reply.code == 511 and not self._dead_channel:
                raise CallerGone
            raise CommandRefused(_verb(command), reply.code)
        return reply

    async def answer(self) -> None:
        """Take the call."""
        await self._unless_gone(await self.command(commands.answer(), deadline_s=10.0))

    async def play(self, prompts: Sequence[str], *, deadline_s: float = PLAY_DEADLINE_S) -> None:
        """Play prompts to their end, in one command; before answer as early media. A missing file is skipped."""
        await self._unless_gone(await self.command(commands.playback(prompts), deadline_s=deadline_s))

    async def play_until_digit(self, prompts: Sequence[str], *, deadline_s: float = PLAY_DEADLINE_S) -> str:
        """Play prompts until any key is pressed, in one command; give the key, or an empty text."""
        return await self._key(commands.background(prompts), deadline_s)

    async def gather(
        self, prompts: Sequence[str], *, max_digits: int, timeout_ms: int, deadline_s: float = PLAY_DEADLINE_S
    ) -> Gathered:
        """Play prompts as one and collect digits; a digit cuts the prompt, further ones may be typed ahead.

        One command for at most one prompt (GET DATA). For several prompts and one digit, one when the digit cuts them
        and two when they are heard out (Background, then waiting). For several digits two (Read, and the question
        what it brought).

        Args:
            prompts: Files without their endings; none means silence.
            max_digits: Ends at this many digits, 1 to 255; `#` ends earlier and is not among the digits.
            timeout_ms: Silence allowed before the first digit and between digits, milliseconds (between digits of a
                caller who cut one of several prompts the channel's TIMEOUT(digit) counts: see `commands.read`).
            deadline_s: For prompts and digits together, seconds.

        Raises:
            PromptFailed: Nothing was played because a file is missing.
            CallerGone: The caller hung up.
        """
        if len(prompts) > 1 and max_digits == 1:
            return await self._one_key(prompts, timeout_ms, deadline_s)
        if len(prompts) > 1:
            return await self._read(prompts, max_digits, timeout_ms, deadline_s)
        asked = commands.get_data(prompts[0] if prompts else "", timeout_ms=timeout_ms, max_digits=max_digits)
        reply = await self.command(asked, deadline_s=deadline_s)
        if reply.result == "-1":
            await self._unless_gone(reply)
            raise PromptFailed(tuple(prompts))
        return _gathered(reply.result, max_digits, timed_out=reply.data == "timeout")

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set channel variables in the fewest commands; the last one given is set last. Names may be functions."""
        for line in commands.set_variables(values):
            await self.command(line)

    async def get_variables(self, *names: str) -> dict[str, str]:
        """Read channel variables in one command; what is not set is empty, line ends in values are taken out."""
        reply = await self.command(commands.get_variables(names))
        values = commands.values_of(names, reply.data or "")
        if values is None:
            raise RemoteProtocolError(f"asked for {len(names)} variables, got another number")
        return values

    async def execute(self, application: str, *options: str, deadline_s: float = PLAY_DEADLINE_S) -> int:
        """Run a dialplan application; give its result (0 is success, -1 asks to hang up).

        Raises:
            CommandRefused: There is no such application.
        """
        line = commands.execute(application, *options)
        reply = await self._unless_gone(await self.command(line, deadline_s=deadline_s))
        if reply.result == "-2":
            raise CommandRefused(f"EXEC {application}", -2)
        return int(reply.result)

    async def or_gone(self, awaitable: Awaitable[Answer]) -> Answer:
        """Await something else than a verb, but no longer than the caller stays: it is cancelled at a hang-up.

        Raises:
            CallerGone: The caller hung up first.
        """
        if self._failure is not None:
            asyncio.ensure_future(awaitable).cancel()
            raise self._failure
        self._gone = self._loop.create_future()
        work = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait((work, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            raise self._failure or CallerGone
        finally:
            self._gone = None
            if not work.done():
                work.cancel()
                await asyncio.wait((work,))

    # What the server calls

    def receive_reply(self, reply: Reply) -> None:
        """Hand the answer to the verb that waits for it (a cancelled verb waits no longer)."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def receive_hangup(self) -> None:
        """Take note of a `HANGUP` line."""
        self._hung_up = True
        if not self._dead_channel:
            self.fail(CallerGone())

    def fail(self, failure: BaseException) -> None:
        """End the verb in progress, and every later one, with `failure`; the first failure counts."""
        if self._failure is None:
            self._failure = failure
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(self._failure)
            waiter.exception()  # seen: a script that is cancelled in the same turn never looks at it
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # Inside

    async def _key(self, asked: Command, deadline_s: float) -> str:
        """Send a command whose result is a key's ASCII code; give the key, or an empty text when none came.

        AMI's ControlPlayback stops a sound as a key does, with a result that is none.
        """
        reply = await self._unless_gone(await self.command(asked, deadline_s=deadline_s))
        code = int(reply.result)
        return chr(code) if 0 < code < _STREAM_STOP else ""

    async def _one_key(self, prompts: Sequence[str], timeout_ms: int, deadline_s: float) -> Gathered:
        key = await self._key(commands.background(prompts), deadline_s)
        key = key or await self._key(commands.wait_for_digit(timeout_ms), deadline_s)
        return _gathered("" if key == "#" else key, 1, timed_out=not key)

    async def _read(self, prompts: Sequence[str], max_digits: int, timeout_ms: int, deadline_s: float) -> Gathered:
        asked = commands.read(prompts, timeout_ms=timeout_ms, max_digits=max_digits)
        await self._unless_gone(await self.command(asked, deadline_s=deadline_s))
        reply = await self.command(commands.read_outcome())
        status, _, digits = (reply.data or "").partition(":")
        match status:
            case "OK" | "TIMEOUT":
                return _gathered(digits, max_digits, timed_out=status == "TIMEOUT")
            case "HANGUP":
                raise CallerGone
            case _:
                raise PromptFailed(tuple(prompts))

    async def _unless_gone(self, reply: Reply) -> Reply:
        """Tell a failure from a hang-up, which Asterisk both answers with -1; the line `HANGUP` follows at once."""
        if reply.result == "-1" and not self._dead_channel:
            if self._failure is None:
                self._gone = self._loop.create_future()
                await asyncio.wait((self._gone,), timeout=HANGUP_GRACE_S)
                self._gone = None
            if self._failure is not None:
                raise self._failure
        return reply


def _gathered(digits: str, max_digits: int, *, timed_out: bool) -> Gathered:
    if timed_out:
        return Gathered(digits, GatherEnd.TIMEOUT)
    return Gathered(digits, GatherEnd.FULL if len(digits) >= max_digits else GatherEnd.TERMINATOR)


def _verb(command: Command) -> str:
    """Name a command without its arguments, which may hold personal data."""
    return command.split(b'"', 1)[0].decode().strip()
