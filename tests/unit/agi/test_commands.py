"""Commands reach Asterisk's parser as the words that were meant, whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi import commands
from tieline.errors import LocalProtocolError

pytestmark = pytest.mark.unit

ANYTHING = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60)


def words(line: bytes) -> list[bytes]:
    """Cut a line as res_agi.c `parse_args` does."""
    found: list[bytearray] = []
    inside = quoted = escaped = False
    for byte in line.rstrip(b"\n"):
        char = bytes([byte])
        if char == b'"' and not escaped:
            quoted = not quoted
            if quoted and not inside:
                found.append(bytearray())
                inside = True
        elif char in b" \t" and not quoted and not escaped:
            inside = False
        elif char == b"\\" and not escaped:
            escaped = True
        else:
            if not inside:
                found.append(bytearray())
                inside = True
            found[-1] += char
            escaped = False
    return [bytes(word) for word in found]


def mset(options: str) -> dict[str, str]:
    """Split as MSet does, for options without quotes, backslashes and brackets."""
    return dict(pair.split("=", 1) for pair in options.split(","))


@given(ANYTHING, ANYTHING)
def test_every_argument_is_one_word(first: str, second: str) -> None:
    assert words(commands.command("VERB", first, second)) == [b"VERB", first.encode(), second.encode()]


@given(st.dictionaries(st.from_regex(r"TL_[A-Z]{1,5}", fullmatch=True), ANYTHING, max_size=8))
def test_set_variables_sets_all_and_the_last_one_last(values: dict[str, str]) -> None:
    sent: list[tuple[str, str]] = []
    lines = commands.set_variables(values)
    for line in lines:
        verb, *rest = [word.decode() for word in words(line)]
        if verb == "EXEC":
            assert rest[0] == "MSet"
            assert not set(rest[1]) & set("\"\\()[]{}$'")
            sent += mset(rest[1]).items()
        else:
            assert (verb, rest[0]) == ("SET", "VARIABLE")
            sent.append((rest[1], rest[2]))
    assert dict(sent) == values
    assert len(sent) == len(values)
    assert not values or sent[-1][0] == list(values)[-1]


def test_plain_values_go_in_one_command() -> None:
    assert commands.set_variables({"A": "1", "B": "2026-11-21T08:00", "TL_DONE": "menu"}) == [
        b'EXEC MSet "A=1,B=2026-11-21T08:00,TL_DONE=menu"\n'
    ]
    assert commands.set_variables({}) == []


def test_many_or_long_values_are_cut_into_lines_that_fit() -> None:
    assert len(commands.set_variables({f"V{n}": "x" for n in range(commands.MAX_PAIRS + 1)})) == 2
    lines = commands.set_variables({f"V{n}": "林" * 900 for n in range(9)})
    assert len(lines) == 3
    assert max(map(len, lines)) <= commands.MAX_LINE_BYTES


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", "\ud800"])
def test_what_no_quoting_can_carry_is_refused(value: str) -> None:
    with pytest.raises(LocalProtocolError):
        commands.set_variable("X", value)
    with pytest.raises(LocalProtocolError):
        commands.set_variables({"X": value, "TL_DONE": "x"})


@pytest.mark.parametrize("name", ["", "A B", "A=B", "${A}", "A,B", "A}", "A(", "A(b))", "A\n", "林"])
def test_what_is_no_variable_name_is_refused(name: str) -> None:
    for build in (
        lambda: commands.set_variable(name, "x"),
        lambda: commands.set_variables({name: "x"}),
        lambda: commands.get_variables((name,)),
    ):
        with pytest.raises(LocalProtocolError):
            build()


@pytest.mark.parametrize("name", ["A", "__TL_CALL", "CHANNEL(accountcode)", "PJSIP_HEADER(read,X-Tieline-Call)"])
def test_names_may_be_inherited_or_functions(name: str) -> None:
    assert name in commands.set_variable(name, "x").decode()
    assert name in commands.get_variables((name,)).decode()


@pytest.mark.parametrize("prompt", ["", "a&b", "a,b", 'a"b', "a b", "${X}", "a\nb"])
def test_what_is_no_prompt_is_refused(prompt: str) -> None:
    for build in (commands.playback, commands.background):
        with pytest.raises(LocalProtocolError):
            build([prompt])
    with pytest.raises(LocalProtocolError):
        commands.read(["good", prompt], timeout_ms=1, max_digits=1)


def test_nothing_to_play_is_refused_but_silence_may_be_gathered() -> None:
    with pytest.raises(LocalProtocolError):
        commands.playback([])
    assert commands.get_data("", timeout_ms=5000, max_digits=2) == b'GET DATA "" "5000" "2"\n'


@pytest.mark.parametrize(("timeout_ms", "max_digits"), [(0, 1), (-1, 1), (600_001, 1), (1, 0), (1, 256)])
def test_times_and_counts_out_of_range_are_refused(timeout_ms: int, max_digits: int) -> None:
    with pytest.raises(LocalProtocolError):
        commands.get_data("x", timeout_ms=timeout_ms, max_digits=max_digits)
    with pytest.raises(LocalProtocolError):
        commands.read(["x"], timeout_ms=timeout_ms, max_digits=max_digits)


def test_execute_joins_options() -> None:
    assert commands.execute("Dial", "PJSIP/a1001", "20", "gb(tiehdr^s^1)") == (
        b'EXEC Dial "PJSIP/a1001,20,gb(tiehdr^s^1)"\n'
    )
    assert commands.execute("StopMusicOnHold") == b'EXEC StopMusicOnHold ""\n'


@pytest.mark.parametrize("option", ["a,b", 'a"b', "a\\b", "${SHELL(reboot)}", "$[1+1]", "a\nb"])
def test_execute_refuses_what_may_be_taken_apart(option: str) -> None:
    with pytest.raises(LocalProtocolError):
        commands.execute("NoOp", option)


@pytest.mark.parametrize("application", ["", "No Op", 'X"', "X\nHANGUP"])
def test_execute_refuses_what_is_no_application(application: str) -> None:
    with pytest.raises(LocalProtocolError):
        commands.execute(application)


def test_a_line_longer_than_asterisk_reads_is_refused() -> None:
    commands.set_variable("X", "x" * (commands.MAX_LINE_BYTES - 20))
    with pytest.raises(LocalProtocolError):
        commands.set_variable("X", "x" * (commands.MAX_LINE_BYTES - 19))


def test_values_of_another_number_of_values() -> None:
    assert commands.values_of(["A", "B"], "1\x012") == {"A": "1", "B": "2"}
    assert commands.values_of(["A", "B"], "1") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (commands.answer(), b"ANSWER\n"),
        (commands.hangup(), b"HANGUP\n"),
        (commands.channel_status(), b"CHANNEL STATUS\n"),
        (commands.playback(["a", "b"]), b'EXEC Playback "a&b,noanswer"\n'),
        (commands.background(["a", "b"]), b'EXEC Background "a&b,n"\n'),
        (commands.read_outcome(), b'GET FULL VARIABLE "${READSTATUS}:${TL_DIGITS}"\n'),
    ],
)
def test_fixed_commands(line: bytes, expected: bytes) -> None:
    assert line == expected
