"""What part of the picture somebody may see, by his token. Pure."""

from dataclasses import dataclass

from console.views import Picture, of_city
from tieline.principal import Principal, Role


@dataclass(frozen=True, slots=True)
class Sight:
    """The part of a picture that is shown.

    Attributes:
        city: The only city, or None for all.
        outside_alone: Only the situation outside: notices, and how cities call.
    """

    city: str | None = None
    outside_alone: bool = False

    def of(self, picture: Picture) -> Picture:
        """Give that part."""
        if self.outside_alone:
            picture = Picture(at=picture.at, notices=picture.notices, surges=picture.surges)
        return picture if self.city is None else of_city(picture, self.city)


def sight_of(principal: Principal) -> Sight:
    """Say what somebody may see: an agent no calls but his own, which are on his desk."""
    return Sight(principal.city, outside_alone=principal.role is Role.AGENT)
