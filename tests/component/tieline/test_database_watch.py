"""The watch that cuts a silent connection, on plain sockets."""

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from tieline.database_watch import GRACE_S, Watcher

pytestmark = pytest.mark.component

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    made = [socket.socketpair() for _ in range(3)]
    yield made
    for pair in made:
        for end in pair:
            end.close()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    before = threading.enumerate()
    made = Watcher(0.05 - GRACE_S)
    yield made
    made.close()
    assert set(threading.enumerate()) <= set(before)


def _is_cut(pair: Pair, within_s: float) -> bool:
    return bool(select.select([pair[1]], [], [], within_s)[0]) and pair[1].recv(1) == b""


def test_cuts_what_takes_too_long_and_leaves_the_rest(watcher: Watcher, pairs: list[Pair]) -> None:
    quick, slow, none = watcher.watch(), watcher.watch(), watcher.watch()
    quick.over(pairs[0][0].fileno())
    slow.over(pairs[1][0].fileno())
    quick.end()
    assert _is_cut(pairs[1], 5)
    assert slow.struck
    assert not quick.struck
    assert not _is_cut(pairs[0], 0.1)
    assert not none.struck, "there was no socket to cut"


def test_watches_again_after_a_rest(watcher: Watcher, pairs: list[Pair]) -> None:
    for pair in pairs[:2]:
        watch = watcher.watch()
        watch.over(pair[0].fileno())
        assert _is_cut(pair, 5)
        watch.end()


def test_the_newest_socket_is_the_one_watched(watcher: Watcher, pairs: list[Pair]) -> None:
    watch = watcher.watch()
    watch.over(pairs[0][0].fileno())
    watch.over(pairs[1][0].fileno())
    assert _is_cut(pairs[1], 5)
    assert not _is_cut(pairs[0], 0)


def test_closing_ends_the_thread_and_a_new_watch_starts_another(watcher: Watcher, pairs: list[Pair]) -> None:
    watcher.watch()
    watcher.close()
    watcher.close()
    watcher.watch().over(pairs[0][0].fileno())
    assert _is_cut(pairs[0], 5)
