"""The example's topology is what the domain facts say, and can be moved to other loopback addresses."""

from dataclasses import replace
from pathlib import Path

import pytest

from tieline.errors import ConfigError, LocalProtocolError
from tieline.loopback import shift_loopback
from tieline.model import MANDARIN, Business, CityId, CountyId, DialectId, NodeId, SiteId
from tieline.topology import Address, Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

FUJIAN = Path(__file__).parents[3] / "examples" / "fujian.toml"
FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")


def test_access_is_whole_e1s_of_thirty_channels(fujian: Topology) -> None:
    assert {city: fujian.access(city) for city in fujian.cities} == {
        "fuzhou": 120,
        "putian": 60,
        "nanping": 60,
        "sanming": 60,
        "ningde": 60,
        "xiamen": 60,
        "quanzhou": 150,
        "zhangzhou": 90,
        "longyan": 60,
    }
    for site in (FUZHOU, XIAMEN):
        assert sum(city.access for city in fujian.cities.values() if city.home == site) == 360
        assert fujian.sites[site].lines == 240


@pytest.mark.parametrize("state", ["blocked", "out_of_service"])
def test_only_a_trunk_group_in_service_is_access(tmp_path: Path, state: str) -> None:
    text = FUJIAN.read_text().replace('source = "127.0.24.2"', f'source = "127.0.24.2"\nstate = "{state}"')
    (tmp_path / "blocked.toml").write_text(text)
    blocked = load_topology(tmp_path / "blocked.toml")
    assert blocked.access(CityId("xiamen")) == 0
    assert blocked.access(CityId("quanzhou")) == 150


def test_each_trunk_group_names_its_city_by_the_last_digit_of_the_area_code(fujian: Topology) -> None:
    found = {group.source: city.area_code for city in fujian.cities.values() for group in city.trunk_groups}
    assert found == {f"127.0.24.{digit}": f"059{digit}" for digit in range(1, 10)}


def test_customers_counties_and_dialects(fujian: Topology) -> None:
    assert sum(city.customers for city in fujian.cities.values()) == 11_049_000
    counties = {county.id: county for city in fujian.cities.values() for county in city.counties}
    assert len(counties) == 83, "84 county-level units less Kinmen"
    assert {county.id for county in counties.values() if county.direct_unit} == {
        *("changle", "fuqing", "shishi", "jinjiang", "nanan")
    }
    assert counties[CountyId("datian")].dialects[0] == "min_nan", "though it belongs to the Fuzhou centre"
    assert {d.id for d in fujian.dialects.values() if d.staffed} == {
        *("mandarin", "min_dong", "min_nan", "puxian", "hakka", "min_bei")
    }
    assert all(MANDARIN in city.dialects for city in fujian.cities.values())
    offered = {dialect for city in fujian.cities.values() for dialect in city.dialects}
    assert all(fujian.dialects[DialectId(dialect)].prompts for dialect in offered)


def test_shifting_moves_every_address(fujian: Topology) -> None:
    shifted = repr(shift_loopback(fujian, 34))
    assert "127.0." not in shifted
    assert shifted.replace("127.34.", "127.0.") == repr(fujian)
    assert shift_loopback(fujian, 34).nodes[NodeId("xiamen-1")].sip == Address("127.34.22.1", 5060)


def test_the_tie_line_joins_the_two_sites_and_each_reads_a_replica_of_its_own(fujian: Topology) -> None:
    assert {other: line.channels for other, line in fujian.tied_to(FUZHOU).items()} == {XIAMEN: 60}
    assert fujian.tied_to(FUZHOU)[XIAMEN] is fujian.tied_to(XIAMEN)[FUZHOU]
    assert {site.id: list(site.replicas) for site in fujian.sites.values()} == {FUZHOU: [XIAMEN], XIAMEN: [FUZHOU]}
    for site in fujian.sites.values():
        for replica in site.replicas.values():
            assert replica.host == site.redis.host, "at the reader's side, or a cut would not cut"
    assert fujian.business_sites == {Business.COMPLAINT: FUZHOU}


def test_instance_nought_changes_nothing(fujian: Topology) -> None:
    assert shift_loopback(fujian, 0) is fujian


@pytest.mark.parametrize("instance", [-1, 255, 1000])
def test_refuses_instances_out_of_range(fujian: Topology, instance: int) -> None:
    with pytest.raises(LocalProtocolError, match="between 0 and 254"):
        shift_loopback(fujian, instance)


@pytest.mark.parametrize("host", ["10.0.0.1", "127.1.0.1"])
def test_refuses_to_shift_what_is_no_lab(fujian: Topology, host: str) -> None:
    site = replace(fujian.sites[XIAMEN], redis=Address(host, 6379))
    real = replace(fujian, sites={**fujian.sites, XIAMEN: site})
    with pytest.raises(LocalProtocolError, match=host):
        shift_loopback(real, 1)


# Each of the rules on its own: one change to the good file, one problem.
RULES = [
    ('sip = "127.0.22.1:5060"', 'sip = "127.0.10.1:5061"', "site[xiamen].node[xiamen-1].sip", "an edge's address"),
    ('sites = ["fuzhou", "xiamen"]', 'sites = ["fuzhou"]', "tie_line[0].sites", "not two sites"),
    ('sites = ["fuzhou", "xiamen"]', 'sites = ["fuzhou", "wuhan"]', "tie_line[0].sites", "not two sites"),
    ('replicas = { xiamen = "127.0.21.10:6380" }\n', "", "site[fuzhou]", "no replica of its Redis"),
    ("replicas = { xiamen", 'replicas = { wuhan = "127.0.21.9:1", xiamen', "site[fuzhou].replicas.wuhan", "no other"),
    ('"127.0.21.10:6380"', '"127.0.21.10:6379"', "site[fuzhou].replicas.xiamen", "used twice"),
    ("e1 = 2\n\n# Complaints", "\n\n# Complaints", "tie_line[0]", "either `e1` or"),
    (
        "[business_site]",
        '[[tie_line]]\nsites = ["xiamen", "fuzhou"]\ne1 = 1\n\n[business_site]',
        "tie_line[1].sites",
        "a second tie line",
    ),
    ('complaint = "fuzhou"', 'complaint = "wuhan"', "business_site.complaint", "site `wuhan` is not known"),
    ('complaint = "fuzhou"', 'complaints = "fuzhou"', "business_site.complaints", "is no business"),
    ('id = "edge-1"', 'id = "Edge 1"', "edge[Edge 1].id", "is no id"),
    ("staffed = true", "staffed = false", "dialect", "Mandarin must be there"),
    ('sip = "127.0.10.1:5060"\n', "", "edge[edge-1].sip", "`sip` is missing"),
    ('id = "xiamen-1"', 'id = "fuzhou-1"', "site[xiamen].node[fuzhou-1].id", "node id fuzhou-1 is used twice"),
    ('id = "xiamen-1"', 'id = "xiamen_1"', "site[xiamen].node[xiamen_1].id", "is no node id"),
    ('ami = "127.0.22.1:5038"', 'ami = "127.0.21.1:5038"', "site[xiamen].node[xiamen-1].ami", "is used twice"),
    ('ami = "127.0.22.1:5038"', 'ami = "127.0.22.1:10500"', "site[xiamen].node[xiamen-1].rtp_from", "port 10500"),
    ('sip = "127.0.22.1:5060"', 'sip = "127.0.21.1:5061"', "site[xiamen].node[xiamen-1].rtp_from", "overlap"),
    ("rtp_from = 10000", "rtp_from = 10001", "site[fuzhou].node[fuzhou-1].rtp_from", "are no range"),
    ("lines = 240", "lines = true", "site[fuzhou].lines", "True is not a whole number"),
    ('backup = "xiamen"\ncust', 'backup = "wuhan"\ncust', "city[fuzhou].backup", "site `wuhan` is not known"),
    ('backup = "xiamen"\ncust', 'backup = "fuzhou"\ncust', "city[fuzhou].backup", "both `fuzhou`"),
    ('source = "127.0.24.9"', 'source = "127.0.24.1"', "city[nanping].trunk_group[tg-nanping].source", "used twice"),
    ('source = "127.0.24.9"', 'source = "127.0.21.1"', "city[nanping].trunk_group[tg-nanping].source", "of ours"),
    (
        'source = "127.0.24.9"',
        'source = "carrier"',
        "city[nanping].trunk_group[tg-nanping].source",
        "no IPv4 address",
    ),
    (
        'source = "127.0.24.9"',
        'source = "0.0.0.0"',
        "city[nanping].trunk_group[tg-nanping].source",
        "no IPv4 address",
    ),
    ('area_code = "0599"', 'area_code = "599"', "city[nanping].area_code", "is no area code of Fujian"),
    ('area_code = "0599"', "area_code = 599", "city[nanping].area_code", "is not a text"),
    ('area_code = "0599"', 'area_code = "0591"', "city[nanping].area_code", "0591 is used twice"),
    ("e1 = 5", "e1 = 5\nsip_channels = 5", "city[quanzhou].trunk_group[tg-quanzhou]", "either `e1` or"),
    ('["mandarin", "puxian", "min_nan"]', '["puxian", "min_nan"]', "city[putian].dialects", "Mandarin is missing"),
    ('["mandarin", "puxian", "min_nan"]', '"mandarin"', "city[putian].dialects", "is not a list"),
    ('["mandarin", "puxian", "min_nan"]', '["mandarin", "wu"]', "city[putian].dialects[1]", "`wu` has no prompts"),
    ('["mandarin", "puxian", "min_nan"]', '["mandarin", 5]', "city[putian].dialects[1]", "5 is not a text"),
    ('gb_code = "350526"', 'gb_code = "350527"', "city[quanzhou].counties[dehua].gb_code", "Kinmen is not served"),
    ('gb_code = "350924"', 'gb_code = "350921"', "city[ningde].counties[shouning].gb_code", "used twice"),
    ('gb_code = "350924"', 'gb_code = "350899"', "city[ningde].counties[shouning].gb_code", "is not in 3509"),
    ('id = "shouning"', 'id = "xiapu"', "city[ningde].counties[xiapu].id", "county id xiapu is used twice"),
    ('id = "jinjiang"', 'id = "jinjiang", pop = 5', "city[quanzhou].counties[jinjiang].pop", "unknown key `pop`"),
    ('agi = ["127.0.22.11:4573", "127.0.22.11:4574"]', "agi = []", "site[xiamen].agi", "no AGI server"),
    ('console = "127.0.22.12:8088"', 'console = "127.0.22.12"', "site[xiamen].console", "is no address"),
    ('name = "fujian"', 'name = "fujian"\nedges = 1', "edges", "unknown key `edges`"),
]


@pytest.mark.parametrize(("good", "bad", "place", "what"), RULES, ids=[rule[3] for rule in RULES])
def test_one_slip_gives_one_message(tmp_path: Path, good: str, bad: str, place: str, what: str) -> None:
    text = FUJIAN.read_text()
    assert good in text
    file = tmp_path / "slip.toml"
    file.write_text(text.replace(good, bad, 1))
    with pytest.raises(ConfigError) as refused:
        load_topology(file)
    (problem,) = refused.value.problems
    assert problem.where.partition(" ")[2] == place
    assert what in problem.what


def test_a_renamed_dialect_is_noted_wherever_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "slip.toml").write_text(FUJIAN.read_text().replace('id = "min_bei"', 'id = "min_nan"'))
    with pytest.raises(ConfigError) as refused:
        load_topology(tmp_path / "slip.toml")
    whats = [problem.what for problem in refused.value.problems]
    assert whats[0] == "dialect id min_nan is used twice"
    assert set(whats[1:]) == {"dialect `min_bei` is not known"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read"),
        (b"name = ", "no TOML"),
        (b"ok = 1\nname = '\xb8\xa3\xd6\xdd'", "not UTF-8 at line 2"),
        (b"a = " + b"[" * 100_000, "no TOML"),
        (b"#" * 4_000_001, "larger than"),
    ],
)
def test_refuses_what_is_no_toml(tmp_path: Path, content: bytes | None, what: str) -> None:
    if content is not None:
        (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=what):
        load_topology(tmp_path / "bad.toml")


def test_an_empty_file_has_everything_missing(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(ConfigError) as refused:
        load_topology(tmp_path / "empty.toml")
    assert {problem.what for problem in refused.value.problems} == {
        "`name` is missing",
        "there is no site",
        "there is no city",
        "there is no dialect",
    }
