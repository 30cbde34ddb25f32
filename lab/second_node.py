"""A second Asterisk for a site of the lab: the topology's text with one node more. Pure.

Both nodes take the site's calls (the edge shares them out), all phones register at both, and a bridge each tells the
site's bus: what a site does that has outgrown a machine.
"""

import re
from typing import Final

from lab.errors import LabError
from tieline.model import SiteId

_SITE: Final = re.compile(r'^\[\[site\]\]\nid = "(.+)"$', re.MULTILINE)
_NODE: Final = re.compile(r"\[\[site\.node\]\]\n(?:\w+ = .*\n)+")


def topology_with_second_node(text: str, site: SiteId) -> str:
    """Give a topology file's text in which a site has a node `<site>-2` beside its `<site>-1`, one address higher.

    Raises:
        LabError: The text has no such site with exactly one node on a loopback address ending in `.1`.
    """
    head, mark, tail = text.partition(f'[[site]]\nid = "{site}"\n')
    nodes = list(_NODE.finditer(tail.partition("[[site]]")[0]))
    if not mark or len(nodes) != 1:
        sites = ", ".join(_SITE.findall(text))
        raise LabError(f"no site {site!r} with one node in the topology; its sites are {sites}")
    first = nodes[0][0]
    second = first.replace(f'"{site}-1"', f'"{site}-2"').replace(".1:", ".2:")
    if second.count(".2:") != len(("sip", "ami")):
        raise LabError(f"the addresses of {site}-1 do not end in .1")
    return head + mark + tail[: nodes[0].end()] + "\n" + second + tail[nodes[0].end() :]
