"""Whom the live tests' lab may call back: the callers of one city, so that all other tests leave no entries."""

from pathlib import Path
from typing import Final

from lab.plan import CALLBACK_FILE

CALLED_BACK: Final = "zhangzhou"


def callback_file(folder: Path) -> Path:
    """Write the rules: the block of test numbers of that city, by day and night."""
    text = CALLBACK_FILE.read_text(encoding="utf-8")
    text = text.replace("numbers = []", 'numbers = ["+861540596xxxx"]')
    path = folder / "callback.toml"
    path.write_text(text.replace("08:00", "00:00").replace("21:00", "23:59"), encoding="utf-8")
    return path
