"""Faults of several files as one error, so that who mends one does not meet the next at the following start."""

from collections.abc import Iterator
from contextlib import contextmanager

from tieline.errors import ConfigError


class Faults:
    """Keeps what refuses a file, so that the next one is looked at as well."""

    def __init__(self) -> None:
        self._errors: list[ConfigError] = []

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the faults of what refuses within the body; the rest of the body is left out."""
        try:
            yield
        except ConfigError as error:
            self._errors.append(error)

    def refuse_if_any(self) -> None:
        """Refuse all files when one is faulty.

        Raises:
            ConfigError: Holds the faults of all, file by file.
        """
        if self._errors:
            subjects = ", ".join(error.subject for error in self._errors)
            raise ConfigError(subjects, [problem for error in self._errors for problem in error.problems])
