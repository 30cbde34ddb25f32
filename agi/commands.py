r"""FastAGI commands as bytes: one builder a command, and the only place of quoting.

Asterisk cuts a command line at blanks; inside double quotes a blank is text, and a backslash takes the next byte as
it is (f0c1c1a, res/res_agi.c `parse_args`, at most 128 words; lines of at most 8,191 bytes with the line feed,
`AGI_BUF_LEN`). So every argument is quoted, `"` and `\` escaped, and CR, LF and NUL, which no quoting can carry, are
refused with `LocalProtocolError` before anything is sent.

`EXEC` passes its options to the application as they are unless the dialplan has set AGIEXECFULL; so options that hold
`${` or `$[` are refused. `SET VARIABLE` never expands its value.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NewType

from tieline.errors import LocalProtocolError

Command = NewType("Command", bytes)
"""One command line, quoted, encoded, with its line feed."""

MAX_LINE_BYTES: Final = 8191
MAX_PAIRS: Final = 90
"""Variables in one MSet; Asterisk parses at most 99 (main/pbx_variables.c `pbx_builtin_setvar_multiple`)."""
MAX_DIGITS: Final = 255
"""Digits one prompt may collect; app_read.c and app.c use buffers of 256 and 1,024 bytes."""
SEPARATOR: Final = "\x01"
"""Stands between values of `get_variables`; Asterisk takes it out of the values themselves."""
DIGITS_VARIABLE: Final = "TL_DIGITS"
"""Channel variable in which `read` leaves the digits."""

_FORBIDDEN: Final = re.compile(r"[\r\n\0]")
_SPECIAL: Final = re.compile(r"[\r\n\0\"\\]")
_NAME: Final = re.compile(r"_{0,2}[A-Za-z0-9_]+(?:\([A-Za-z0-9_,:.@/-]*\))?")
_PLAIN: Final = re.compile(r"[\w .:;+@/|=*#%&-]*")
_PROMPT: Final = re.compile(r"[\w./@:+-]+")
_APPLICATION: Final = re.compile(r"[A-Za-z0-9_]+")
_UNSAFE_OPTION: Final = re.compile(r"[,\"\\]|\$[{\[]")


def quoted(text: str) -> str:
    r"""Quote one argument as `parse_args` reads it.

    >>> print(quoted('say "hi"'))
    "say \"hi\""

    Raises:
        LocalProtocolError: The text holds CR, LF or NUL.
    """
    if not _SPECIAL.search(text):
        return f'"{text}"'
    if _FORBIDDEN.search(text):
        raise LocalProtocolError("CR, LF or NUL in an AGI argument")
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def command(verb: str, *arguments: str) -> Command:
    """Build one command line from fixed words and arguments that may hold anything.

    Raises:
        LocalProtocolError: An argument holds CR, LF, NUL or a lone surrogate, or the line is too long for Asterisk.
    """
    line = " ".join((verb, *map(quoted, arguments))) + "\n"
    try:
        encoded = line.encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError("a lone surrogate in an AGI argument") from error
    if len(encoded) > MAX_LINE_BYTES:
        raise LocalProtocolError(f"AGI command of {len(encoded)} bytes; Asterisk reads {MAX_LINE_BYTES}")
    return Command(encoded)


def answer() -> Command:
    """Build ANSWER: take the call. Result 0, or -1 when the channel failed."""
    return command("ANSWER")


def hangup() -> Command:
    """Build HANGUP: hang up the session's own channel. Result 1."""
    return command("HANGUP")


def channel_status() -> Command:
    """Build CHANNEL STATUS: result 0 (down) to 7 (busy), 6 when the line is up."""
    return command("CHANNEL STATUS")


def set_variable(name: str, value: str) -> Command:
    """Build SET VARIABLE, which takes any text as it is. The name may be a function, e.g. `CHANNEL(hangupsource)`.

    Raises:
        LocalProtocolError: The name is none, or the value holds CR, LF or NUL.
    """
    return command("SET VARIABLE", _checked_name(name), value)


def set_variables(values: Mapping[str, str]) -> list[Command]:
    """Build the fewest commands that set all variables: one MSet for plain values, SET VARIABLE for the others.

    MSet cuts at commas and eats quotes and backslashes, so it only gets letters, digits (of any script), blanks and
    `._:;+@/|=*#%&-`. The variable given last is set last, whatever its value.

    Raises:
        LocalProtocolError: As `set_variable`.

    Source:
        Asterisk f0c1c1a main/pbx_variables.c `pbx_builtin_setvar_multiple`, main/app.c `__ast_app_separate_args`;
        tests/wire/agi/hostile_values.txt.
    """
    plain = [f"{_checked_name(name)}={value}" for name, value in values.items() if _PLAIN.fullmatch(value)]
    if len(plain) == len(values) <= MAX_PAIRS:  # nearly always
        line = f'EXEC MSet "{",".join(plain)}"\n'.encode()
        if len(line) <= MAX_LINE_BYTES:
            return [Command(line)] if plain else []
    others = [(name, value) for name, value in values.items() if not _PLAIN.fullmatch(value)]
    last = others.pop() if others and others[-1][0] == list(values)[-1] else None
    return [
        *(set_variable(*other) for other in others),
        *(command("EXEC MSet", group) for group in _groups(plain)),
        *([set_variable(*last)] if last else []),
    ]


@lru_cache(maxsize=256)
def get_variables(names: tuple[str, ...]) -> Command:
    r"""Build one GET FULL VARIABLE that brings all the variables in one answer; read it with `values_of`.

    Each value comes as `${REPLACE(NAME,\x01\r\n)}`: REPLACE takes the variable's *name*, so nothing in a value is
    ever parsed, and what would break the answer (line ends) or the split (the separator) is taken out. Names may be
    functions, e.g. `CHANNEL(hangupsource)`; a variable that is not set reads as empty.

    Raises:
        LocalProtocolError: A name is none.

    Source:
        Asterisk f0c1c1a funcs/func_strings.c `replace`, res/res_agi.c `handle_getvariablefull`;
        tests/wire/agi/hostile_values.txt.
    """
    pieces = (f"${{REPLACE({_checked_name(name)},{SEPARATOR}\\\\r\\\\n)}}" for name in names)
    return command("GET FULL VARIABLE", SEPARATOR.join(pieces))


def values_of(names: Sequence[str], data: str) -> dict[str, str] | None:
    """Split the answer to `get_variables`; None when it has not as many values as names."""
    values = data.split(SEPARATOR)
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else None


@lru_cache(maxsize=4096)
def get_data(prompt: str, *, timeout_ms: int, max_digits: int) -> Command:
    """Build GET DATA: play one prompt (or none, for an empty name) and collect digits up to `#`.

    A digit cuts the prompt. The digits typed so far come back after a time-out as well, with data `timeout`.

    Args:
        prompt: One file, without its ending.
        timeout_ms: Silence allowed before the first digit and between digits, milliseconds, counted after the prompt.
        max_digits: 1 to 255.

    Raises:
        LocalProtocolError: A value is out of range, or the prompt's name is none.

    Source:
        Asterisk f0c1c1a res/res_agi.c `handle_getdata`, main/app.c `ast_app_getdata_full` (0 would mean 6 and 2
        seconds, a negative time 11 days: both are refused here).
    """
    if prompt:
        _checked_prompts([prompt])
    _checked_gather(timeout_ms, max_digits)
    return command("GET DATA", prompt, str(timeout_ms), str(max_digits))


def read(prompts: Sequence[str], *, timeout_ms: int, max_digits: int) -> Command:
    """Build EXEC Read: play several prompts as one and collect digits up to `#`; `read_outcome` asks for them.

    The silence allowed between digits is `timeout_ms` when the last prompt was reached, else the channel's own
    TIMEOUT(digit) (5 seconds if the dialplan sets none). Missing prompts are skipped, but not a missing last one.

    Raises:
        LocalProtocolError: As `get_data`.

    Source:
        Asterisk f0c1c1a apps/app_read.c `read_exec`, main/app.c `ast_app_getdata_terminator`.
    """
    _checked_gather(timeout_ms, max_digits)
    files = "&".join(_checked_prompts(prompts))
    return command("EXEC Read", f"{DIGITS_VARIABLE},{files},{max_digits},,1,{timeout_ms / 1000:.3f}")


def read_outcome() -> Command:
    """Build the question for what `read` brought: `OK`, `TIMEOUT`, `HANGUP` or `ERROR`, a colon, the digits."""
    return command("GET FULL VARIABLE", f"${{READSTATUS}}:${{{DIGITS_VARIABLE}}}")


def playback(prompts: Sequence[str]) -> Command:
    """Build EXEC Playback: play prompts to their end, without answering the call. Result 0, or -1 at a hang-up."""
    return command("EXEC Playback", "&".join(_checked_prompts(prompts)) + ",noanswer")


def background(prompts: Sequence[str]) -> Command:
    """Build EXEC Background: play prompts until a digit comes, without answering the call.

    The result is the digit's ASCII code, 0 after the end of the last prompt, -1 at a hang-up. From AGI the digit is
    not looked up in the dialplan.

    Source:
        Asterisk f0c1c1a main/pbx_builtins.c `pbx_builtin_background` (AST_FLAG_DISABLE_WORKAROUNDS), set by
        res/res_agi.c `handle_exec`.
    """
    return command("EXEC Background", "&".join(_checked_prompts(prompts)) + ",n")


def wait_for_digit(timeout_ms: int) -> Command:
    """Build WAIT FOR DIGIT: the result is the key's ASCII code, 0 when none came in time, -1 at a hang-up.

    Raises:
        LocalProtocolError: The time is out of range (a negative one would mean to wait for ever).
    """
    _checked_gather(timeout_ms, 1)
    return command("WAIT FOR DIGIT", str(timeout_ms))


def execute(application: str, *options: str) -> Command:
    """Build EXEC for any other application. Result -2: there is none of this name.

    Raises:
        LocalProtocolError: An option holds a comma, a quote or a backslash (how they are read differs from
            application to application), or `${`, `$[`.
    """
    if not _APPLICATION.fullmatch(application):
        raise LocalProtocolError(f"no name of an application: {application!r}")
    for option in options:
        if _UNSAFE_OPTION.search(option):
            raise LocalProtocolError(f"an option of {application} holds a character that may be taken apart")
    return command(f"EXEC {application}", ",".join(options))


def _groups(pairs: Iterable[str]) -> Iterable[str]:
    """Join pairs with commas into pieces that Asterisk takes in one MSet."""
    group: list[str] = []
    size = 0
    for pair in pairs:
        length = len(pair.encode()) + 1
        if group and (len(group) == MAX_PAIRS or size + length > MAX_LINE_BYTES - 64):
            yield ",".join(group)
            group, size = [], 0
        group.append(pair)
        size += length
    if group:
        yield ",".join(group)


@lru_cache(maxsize=1024)
def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise LocalProtocolError(f"no name of a channel variable: {name!r}")
    return name


def _checked_prompts(prompts: Sequence[str]) -> Sequence[str]:
    if not prompts:
        raise LocalProtocolError("nothing to play")
    for prompt in prompts:
        if not _PROMPT.fullmatch(prompt):
            raise LocalProtocolError(f"no name of a prompt's file: {prompt!r}")
    return prompts


def _checked_gather(timeout_ms: int, max_digits: int) -> None:
    if not 0 < timeout_ms <= 600_000:
        raise LocalProtocolError(f"timeout_ms must be 1 to 600,000, not {timeout_ms}")
    if not 0 < max_digits <= MAX_DIGITS:
        raise LocalProtocolError(f"max_digits must be 1 to {MAX_DIGITS}, not {max_digits}")
