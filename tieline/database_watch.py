"""A deadline for blocking connections to PostgreSQL, kept even when the server is frozen.

PostgreSQL's own `statement_timeout` comes first while the server lives. This is for a server that is stopped, or gone
behind a cut link, where the client would wait for minutes.
"""

import contextlib
import os
import socket
import threading
import time
from collections import deque

GRACE_S = 0.5
"""Given on top of the limit, so that the server's own limit comes first."""


class Watch:
    """One transaction's deadline.

    Attributes:
        struck: The socket was cut because the time was over.
    """

    def __init__(self, deadline: float) -> None:
        self.struck = False
        self.ended = False
        self.deadline = deadline
        self._lock = threading.Lock()
        self._socket: int | None = None

    def over(self, descriptor: int) -> None:
        """Watch a socket, in place of any before."""
        with self._lock:
            self._close()
            self._socket = os.dup(descriptor)  # our own: the number may be another file's by then

    def strike(self) -> None:
        """Cut the socket: the thread that waits on it wakes up."""
        with self._lock:
            if self._socket is None:
                return
            self.struck = True
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._socket)) as line:
                line.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Stop watching."""
        with self._lock:
            self.ended = True
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            os.close(self._socket)
            self._socket = None


class Watcher:
    """Strikes the watches whose time is over, from one thread that sleeps nearly always.

    All watches have the same limit, so they end in the order in which they began: the thread sleeps until the oldest
    one's deadline and then drops all that have ended. A thread for each (`threading.Timer`) costs 200 µs more.

    Args:
        limit_s: How long a transaction may take, seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s + GRACE_S
        self._watches: deque[Watch] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self) -> Watch:
        """Begin a watch; its time runs from now."""
        watch = Watch(time.monotonic() + self._limit_s)
        with self._changed:
            self._watches.append(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)
                self._thread.start()
            elif len(self._watches) == 1:
                self._changed.notify()
        return watch

    def close(self) -> None:
        """End the thread; a new watch would start another."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while self._thread is threading.current_thread():
                while self._watches and self._watches[0].ended:
                    self._watches.popleft()
                if not self._watches:
                    self._changed.wait()
                    continue
                left_s = self._watches[0].deadline - time.monotonic()
                if left_s > 0:
                    self._changed.wait(left_s)
                else:
                    self._watches.popleft().strike()
