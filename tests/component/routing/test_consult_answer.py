"""What is heard of a consultation that was asked for."""

import pytest

from routing.consult_answer import UNHEARD, refusal_of
from tieline import bus
from tieline.live import Live

pytestmark = pytest.mark.component


@pytest.mark.parametrize("told", [(), (bus.AgentRinging(at=1.0, call_id="c1", agent="a1003"),)])
async def test_silence_is_no_consent(live: Live, told: tuple[bus.Event, ...]) -> None:
    await live.tell(*told)
    assert await refusal_of(live, "c1", "a1002", "0-0", heard_s=0.05) == UNHEARD


async def test_the_phone_that_is_dialled_is_the_answer(live: Live) -> None:
    await live.tell(bus.AgentRinging(at=1.0, call_id="c1", agent="a1002"))
    assert await refusal_of(live, "c1", "a1002", "0-0") == ""
