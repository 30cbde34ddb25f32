"""Which Debian archive this host uses: found in the host's own apt configuration, never written down here.

Pure: text in, addresses out; `lab.root` asks apt and reads the files.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

INDEX_FORMAT: Final = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(CODENAME)"
"""What `apt-get indextargets --format` is asked for."""

_FETCHABLE: Final = ("http", "https", "ftp", "file", "copy", "mirror", "mirror+http", "mirror+https", "mirror+file")
_PROXY: Final = re.compile(r'^(Acquire::(?:http|https|ftp)::[^ ]*(?:Proxy|Verify-Peer|Verify-Host)[^ ]*) "(.*)";$')
_ONE_LINE: Final = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+")


def archives_from_index(lines: Iterable[str]) -> tuple[str, ...]:
    """Give the archives that apt itself knows as Debian's main one, in apt's order, each once.

    Args:
        lines: Output of `apt-get indextargets --format INDEX_FORMAT`. Origin and label are known only after an
            `apt-get update`; a host that never ran one gives no match here.
    """
    found: dict[str, None] = {}
    for line in lines:
        uri, _, rest = line.strip().partition("|")
        if rest.startswith("Debian|Debian|") and _is_fetchable(uri):
            found[uri.rstrip("/")] = None
    return tuple(found)


def archives_from_sources(texts: Iterable[str]) -> tuple[str, ...]:
    """Give the archives named in sources files (both forms) whose path is that of Debian's main archive.

    The fall-back for hosts without package lists. Security and update archives are told apart by their path
    (`…/debian-security`), since a sources file does not name its origin.
    """
    found: dict[str, None] = {}
    for text in texts:
        for uri in (*_one_line_uris(text), *_deb822_uris(text)):
            trimmed = uri.rstrip("/")
            if _is_fetchable(trimmed) and urlsplit(trimmed).path.rsplit("/", 1)[-1] == "debian":
                found[trimmed] = None
    return tuple(found)


def proxy_options(dump: Iterable[str]) -> tuple[str, ...]:
    """Pick proxy and certificate settings out of `apt-config dump`, in the form an apt option takes."""
    found = (_PROXY.match(line.strip()) for line in dump)
    return tuple(f'{match[1]} "{match[2]}"' for match in found if match)


def _one_line_uris(text: str) -> list[str]:
    return [match[1] for line in text.splitlines() if (match := _ONE_LINE.match(line.strip()))]


def _deb822_uris(text: str) -> list[str]:
    uris: list[str] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza, flags=re.MULTILINE))
        named = {name.lower(): value for name, value in fields.items()}
        if "deb" in named.get("types", "").split() and named.get("enabled", "yes").strip().lower() != "no":
            uris.extend(named.get("uris", "").split())
    return uris


def _is_fetchable(uri: str) -> bool:
    return urlsplit(uri).scheme in _FETCHABLE
