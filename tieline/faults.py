"""Faults of several files, or parts of a question, as one error: who mends one does not meet the next one later."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tieline.errors import ConfigError, Problem


class Faults:
    """Keeps what refuses one thing, so that the next one is looked at as well.

    Args:
        problems: What is known to be wrong already.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._subjects: list[str] = []
        self._problems = list(problems)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the faults of what refuses within the body; the rest of the body is left out."""
        try:
            yield
        except ConfigError as error:
            self._subjects.append(error.subject)
            self._problems += error.problems

    def refuse_if_any(self, subject: str = "") -> None:
        """Refuse all when one is faulty.

        Args:
            subject: What is refused; by default all that refused.

        Raises:
            ConfigError: Holds the faults of all, one after the other.
        """
        if self._problems:
            raise ConfigError(subject or ", ".join(self._subjects), self._problems)
