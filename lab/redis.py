"""The sites' Redis in the lab, and the read-only copies of them that the other sites read. Pure.

Nothing is kept on disk: live state is rebuilt from Asterisk.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lab.parts import AnswersLine, Part
from tieline.model import SiteId
from tieline.topology import Address, Topology

QUICK_HASHES: Final = "hash-max-listpack-entries 16"
"""Up to this size Redis searches a hash from one end on. By itself it does so up to 512 fields, and then the steps of
an admission took eight times as long with 250 cities as with ten."""
_ALL: Final = ('save ""', "appendonly no", "daemonize no", QUICK_HASHES)
_REPLICATED: Final = (
    # Both ends give a silent link up after 5 s and look for it again each second: after a cut the copy is soon true.
    "repl-ping-replica-period 1",
    "repl-timeout 5",
    "repl-diskless-sync yes",
    "repl-diskless-sync-delay 0",
    # A minute of a storm: after a short cut only what was missed is sent.
    "repl-backlog-size 16mb",
)
_REPLICA: Final = (
    "replica-read-only yes",
    # What it has stays readable while the link is cut; the reader looks at the age of the heartbeat in it.
    "replica-serve-stale-data yes",
    "replica-announced no",
    # Straight out of the socket: a file of the copy would be what a Redis in the same directory begins with.
    "repl-diskless-load swapdb",
)


def replica_part(of: SiteId, at: SiteId) -> str:
    """Name the part that is a site's copy of another one's Redis."""
    return f"redis-{of}-at-{at}"


def redis_parts(topology: Topology, folder: Path, logs: Path) -> Iterator[Part]:
    """Give the Redis of each site, then the replicas.

    Args:
        topology: Shifted already.
        folder: Where `redis_texts` says that they are configured.
        logs: Directory of the logs.
    """
    for site in topology.sites.values():
        yield _part(f"redis-{site.id}", site.redis, folder, logs, ())
    for site in topology.sites.values():
        for of, address in site.replicas.items():
            yield _part(replica_part(of, site.id), address, folder, logs, (f"redis-{of}",))


def redis_texts(topology: Topology, folder: Path, password: str) -> Iterator[tuple[Path, str]]:
    """Write the configuration of each of them; all have the same password."""
    common = (*_ALL, *_REPLICATED, f"requirepass {password}", f"dir {folder}")
    for site in topology.sites.values():
        own = f"redis-{site.id}"
        yield _conf(folder, own), _text((*_listens(site.redis), *common, _file(own)))
        for of, address in site.replicas.items():
            master = topology.sites[of].redis
            # From the site's own address, or a cut between the sites would not cut it.
            follows = (f"bind-source-addr {address.host}", f"replicaof {master.host} {master.port}")
            copy = replica_part(of, site.id)
            lines = (*_listens(address), *follows, f"masterauth {password}", *_REPLICA, *common, _file(copy))
            yield _conf(folder, copy), _text(lines)


def _part(name: str, address: Address, folder: Path, logs: Path, after: tuple[str, ...]) -> Part:
    return Part(
        name=name,
        argv=("redis-server", str(_conf(folder, name))),
        # Without the password it says so: it has read its configuration and serves.
        ready=AnswersLine(address, b"PING\r\n", b"-NOAUTH"),
        log=str(logs / f"{name}.log"),
        after=after,
    )


def _file(name: str) -> str:
    """Name a file of its own: with the same one a master that restarts would begin with another site's state."""
    return f"dbfilename {name}.rdb"


def _conf(folder: Path, name: str) -> Path:
    return folder / f"{name}.conf"


def _listens(address: Address) -> tuple[str, str]:
    return f"bind {address.host}", f"port {address.port}"


def _text(lines: tuple[str, ...]) -> str:
    return "\n".join(lines) + "\n"
