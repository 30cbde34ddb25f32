"""Who acts: a role and the part of the network that it covers. Pure, but for asking the system who runs us."""

import os
import pwd
from dataclasses import dataclass
from enum import StrEnum

from tieline.model import CityId, SiteId


class Role(StrEnum):
    """What somebody may do; the console says which role may do what."""

    ADMIN = "admin"
    OPERATOR = "operator"
    """Telecom admin: quotas, trunks, diversions."""
    SUPERVISOR = "supervisor"
    MONITOR = "monitor"
    AGENT = "agent"
    INTEGRATOR = "integrator"
    """Another system: CRM, monitoring."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was recognised.

    Attributes:
        city: The only city that is covered, or None for all.
        site: The only site that is covered, or None for all.
        name: For the audit trail; an agent's id when the role is `agent`.
    """

    role: Role
    city: CityId | None
    site: SiteId | None
    name: str

    def covers(self, *, city: CityId | None = None, site: SiteId | None = None) -> bool:
        """Tell whether the scope holds what is asked about.

        Args:
            city: City that the thing asked about belongs to, or None when it belongs to no one city.
            site: Site likewise. Who is bound to one city or site does not cover what belongs to none.
        """
        return self.city in (None, city) and self.site in (None, site)


def os_principal() -> Principal:
    """Name the user of the operating system who runs this process: the command line acts as that user."""
    name = f"os:{_user_name(os.getuid())}"
    if os.getuid() == 0 and os.environ.get("SUDO_UID", "").isdigit():
        name += f" (sudo by {_user_name(int(os.environ['SUDO_UID']))})"
    return Principal(role=Role.ADMIN, city=None, site=None, name=name)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
