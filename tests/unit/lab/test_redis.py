"""Each site's copy of the other one's Redis: at the reader's side, read-only, from his own address."""

from pathlib import Path

import pytest

from lab.plan import HOME
from lab.redis import redis_parts, redis_texts, replica_part
from tieline.model import SiteId
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

TOPOLOGY = load_topology(HOME / "examples/fujian.toml")
FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
FOLDER = Path("/lab/redis")


def test_a_replica_comes_after_its_master_and_is_read_only_and_bound_to_the_readers_site() -> None:
    texts = {path: text.splitlines() for path, text in redis_texts(TOPOLOGY, FOLDER, "secret")}
    parts = list(redis_parts(TOPOLOGY, FOLDER, Path("/lab/log")))
    names = [part.name for part in parts]
    assert names == ["redis-fuzhou", "redis-xiamen", "redis-xiamen-at-fuzhou", "redis-fuzhou-at-xiamen"]
    assert {Path(part.argv[1]) for part in parts} == texts.keys()
    replica = texts[FOLDER / f"{replica_part(XIAMEN, FUZHOU)}.conf"]
    assert {
        "bind 127.0.21.10",
        "port 6380",
        "bind-source-addr 127.0.21.10",
        "replicaof 127.0.22.10 6379",
        "masterauth secret",
        "requirepass secret",
        "replica-read-only yes",
        "replica-serve-stale-data yes",
    } <= set(replica)
    assert parts[names.index("redis-xiamen-at-fuzhou")].after == ("redis-xiamen",)
    assert not any(line.startswith(("replicaof", "masterauth")) for line in texts[FOLDER / "redis-xiamen.conf"])


def test_no_redis_begins_with_what_another_one_left_on_disk() -> None:
    texts = [text for _, text in redis_texts(TOPOLOGY, FOLDER, "secret")]
    files = [line for text in texts for line in text.splitlines() if line.startswith("dbfilename ")]
    assert len(set(files)) == len(texts) == 4
    assert all("repl-diskless-load swapdb" in text for text in texts if "replicaof" in text)
