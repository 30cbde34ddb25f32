"""Step 9: after the agent hung up, one question: how satisfied, 1 to 4. No key is `unrated`, never an error.

Fails open: whatever breaks here, the caller only misses the question.
"""

from collections.abc import Mapping

from agi.scripts.parts import Parts, read_call
from agi.session import Session
from tieline import bus, variables
from tieline.errors import TielineError

ANSWERS = "1234"
TIMEOUT_MS = 5000


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Ask once, thank, and note the answer."""
    call = read_call(parts, session)
    question = parts.voice.sentence("rating", call.dialect)
    given = await session.gather(question, max_digits=1, timeout_ms=TIMEOUT_MS)
    rating = int(given.digits) if given.digits and given.digits in ANSWERS else 0
    # On the channel before anything else may fail: the hang-up script reads it there.
    await session.set_variables({variables.RATING: str(rating)})
    try:
        await parts.live.tell(bus.CallRated(at=parts.clock(), call_id=call.call_id, rating=rating))
    except TielineError:
        return {}
    await session.play(parts.voice.sentence("goodbye", call.dialect))
    return {}
