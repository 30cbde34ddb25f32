"""Who covers what."""

import os
import pwd

import pytest

from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role, os_principal

pytestmark = pytest.mark.unit

FUZHOU, PUTIAN, XIAMEN = CityId("fuzhou"), CityId("putian"), SiteId("xiamen")


def _of(city: str | None = None, site: str | None = None) -> Principal:
    return Principal(Role.MONITOR, CityId(city) if city else None, SiteId(site) if site else None, "somebody")


@pytest.mark.parametrize(
    ("who", "city", "site", "covers"),
    [
        (_of(), None, None, True),
        (_of(), FUZHOU, XIAMEN, True),
        (_of(city="fuzhou"), FUZHOU, XIAMEN, True),
        (_of(city="fuzhou"), PUTIAN, XIAMEN, False),
        (_of(city="fuzhou"), None, XIAMEN, False),
        (_of(site="fuzhou"), FUZHOU, XIAMEN, False),
        (_of(site="xiamen"), FUZHOU, XIAMEN, True),
        (_of(site="xiamen"), FUZHOU, None, False),
        (_of(city="fuzhou", site="xiamen"), FUZHOU, XIAMEN, True),
        (_of(city="fuzhou", site="xiamen"), PUTIAN, XIAMEN, False),
    ],
)
def test_covers(who: Principal, city: CityId | None, site: SiteId | None, covers: bool) -> None:
    assert who.covers(city=city, site=site) is covers


def test_the_command_line_acts_as_the_os_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("USER", "somebody-else")
    assert os_principal() == Principal(Role.ADMIN, None, None, f"os:{pwd.getpwuid(os.getuid()).pw_name}")


def test_sudo_is_named_for_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "54321")  # a user that the system does not know
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert os_principal().name == "os:root (sudo by uid 54321)"
    monkeypatch.setattr(os, "getuid", lambda: 54322)
    assert os_principal().name == "os:uid 54322"
