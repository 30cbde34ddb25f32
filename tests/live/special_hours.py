"""The hours of the live tests' lab: all is answered at any hour, but one business is not answered now."""

from datetime import datetime
from pathlib import Path
from typing import Final

from lab.plan import HOURS_FILE
from tieline.clock import CHINA
from tieline.model import Business

CLOSED: Final = Business.OUTAGE
_LAST_HOUR: Final = 20


def hours_file(folder: Path) -> Path:
    """Write the lab's hours; the closed business opens in two hours or at midnight, long after the tests."""
    here = datetime.now(CHINA).hour
    begin = here + 2 if here < _LAST_HOUR else 0
    path = folder / "hours.toml"
    closed = f'{CLOSED} = {{ days = "{begin:02}:00-{begin + 1:02}:00" }}'
    text = HOURS_FILE.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{CLOSED} = {{ always = true }}", closed), encoding="utf-8")
    return path
