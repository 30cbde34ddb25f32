"""The drill of 2,000 calls (`tieline lab drill calls`), at the smallest size that shows every end a call can have."""

import pytest

from lab.drill import drill_calls
from tests.live import instance

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SEED = 20261121


def test_sixty_calls_of_every_kind_leave_balanced_books_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    report = drill_calls(instance.DRILL, 60, 5.0, SEED, said.append)
    with capsys.disabled():
        print(f"\ndrill: seed {SEED}, {report.count} calls")
    found = (*report.books.differences, *report.sound.differences, *report.books.leftovers)
    assert report.is_well, "\n".join(map(str, found))
