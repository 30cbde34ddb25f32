"""Which loopback addresses the live tests use: 127.N.x.y, so that two suites at once on one machine do not meet."""

import os
from typing import Final

HOUSE: Final = int(os.environ.get("LIVE_TESTS_INSTANCE", "9"))
"""The lab that most tests share; a throw-away Asterisk of a test is beside it."""
DRILL: Final = HOUSE - 1


def beside_the_house(rest: str) -> str:
    """Give an address `127.N.<rest>`; the lab itself has 10 and 21 to 24 for the third number."""
    return f"127.{HOUSE}.{rest}"
