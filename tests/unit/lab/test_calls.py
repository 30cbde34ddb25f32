"""What SIPp logged of calls, and the numbers that callers have."""

import pytest

from lab.calls import Caller, CallResult, RunResult, results, unallocated_number

pytestmark = pytest.mark.unit

ONE, TWO, THREE = (Caller(f"<sip:{number}@127.0.24.1>") for number in (1, 2, 3))


def test_results_belong_to_their_callers_whatever_the_order_of_lines() -> None:
    log = "2|answered|20\n1|answered|10\n1|bye-sent|50\n1|scripted|51\n2|presses|30\nnoise\n"
    assert results((ONE, TWO, THREE), log) == (
        CallResult(ONE, (("answered", 10), ("bye-sent", 50)), is_scripted=True),
        CallResult(TWO, (("answered", 20), ("presses", 30)), is_scripted=False),
        CallResult(THREE, (), is_scripted=False),
    )


def test_a_run_is_scripted_only_when_sipp_and_every_call_say_so() -> None:
    good = CallResult(ONE, (), is_scripted=True)
    assert RunResult((good,), 0).is_scripted
    assert not RunResult((good,), 1).is_scripted
    assert not RunResult((good, CallResult(TWO, (), is_scripted=False)), 0).is_scripted


def test_numbers_lie_in_the_unallocated_block() -> None:
    assert unallocated_number("0591", 7) == "15405910007"
    assert unallocated_number("0599", 10_001) == "15405990001"
