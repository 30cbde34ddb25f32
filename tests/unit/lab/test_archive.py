"""Finding the host's Debian archive and proxies in apt's own words."""

import pytest

from lab.archive import archives_from_index, archives_from_sources, proxy_options

pytestmark = pytest.mark.unit


def test_index_gives_debians_main_archive_once_without_its_slash() -> None:
    lines = [
        "http://a.example/debian-security/|Debian|Debian-Security|bookworm-security",
        "http://b.example/debian/|Debian|Debian|bookworm",
        "http://b.example/debian|Debian|Debian|bookworm-updates",
        "http://c.example/repo|Somebody|Somebody|stable",
        "",
    ]
    assert archives_from_index(lines) == ("http://b.example/debian",)


def test_index_of_a_host_that_never_updated_gives_nothing() -> None:
    assert archives_from_index(["http://b.example/debian||Debian|", "garbage"]) == ()


def test_cdrom_is_no_archive_to_fetch_from() -> None:
    assert archives_from_index(["cdrom:[Debian 12]/|Debian|Debian|bookworm"]) == ()


def test_sources_in_one_line_form() -> None:
    text = (
        "# comment\ndeb [signed-by=/x.gpg arch=amd64] http://m.example/debian bookworm main\n"
        "deb-src http://s.example/debian b main\n"
    )
    assert archives_from_sources([text]) == ("http://m.example/debian",)


def test_sources_in_deb822_form_with_lists_and_disabled_stanzas() -> None:
    text = (
        "Types: deb deb-src\nURIs: https://m.example/debian/\n https://n.example/debian\nSuites: trixie\n\n"
        "Types: deb\nURIs: http://off.example/debian\nSuites: trixie\nEnabled: no\n\n"
        "Types: deb\nURIs: http://m.example/debian-security\nSuites: trixie-security\n"
    )
    assert archives_from_sources([text]) == ("https://m.example/debian", "https://n.example/debian")


def test_proxies_and_certificates_are_taken_over_and_nothing_else() -> None:
    dump = [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::Verify-Peer "false";',
        'Acquire::Languages "none";',
        'APT::Install-Recommends "1";',
    ]
    assert proxy_options(dump) == (
        'Acquire::http::Proxy "http://proxy.example:3128"',
        'Acquire::https::Verify-Peer "false"',
    )
