"""What can go wrong with the lab itself."""

from tieline.errors import TielineError


class LabError(TielineError):
    """The lab cannot do what it was asked; the message says what to do about it."""
