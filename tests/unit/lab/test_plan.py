"""The plan of a lab: order, addresses, keys, samples."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from ivr_prompts.catalogue import Catalogue, load_catalogue
from ivr_prompts.flow import Ask, Done, MenuFlow
from ivr_prompts.menus import load_menus
from ivr_prompts.texts import DIALECTS
from lab.errors import LabError
from lab.keys import keys_for
from lab.parts import decode_orders, encode_orders
from lab.phones import PhoneGroup
from lab.plan import HOME, SURGE_FILE, DatabaseKind, LabPlan, orders, phones_of, settings_text
from lab.samples import FULL_CITY, SAMPLES, quotas_with_full_city, sample_script
from lab.scenario import SIPP
from lab.scripts import Answers
from lab.second_node import topology_with_second_node
from tieline.loopback import shift_loopback
from tieline.model import AgentId, Business, CityId, DialectId, SiteId
from tieline.settings import load_settings
from tieline.topology_file import load_topology
from trunk_config.profiles import load_profiles
from trunk_config.quota import Quota
from trunk_config.surge_rules import load_surge_rules

pytestmark = pytest.mark.unit

TOPOLOGY_FILE = HOME / "examples/fujian.toml"
QUOTAS_FILE = HOME / "examples/quotas.toml"
TOPOLOGY = load_topology(TOPOLOGY_FILE)


def _plan(database: DatabaseKind = "sqlite", instance: int = 7) -> LabPlan:
    return LabPlan(
        instance=instance,
        store=Path("/store"),
        root=Path("/root-of-lab"),
        topology=shift_loopback(TOPOLOGY, instance),
        topology_file=TOPOLOGY_FILE,
        agents_file=HOME / "examples/agents.toml",
        quotas_file=QUOTAS_FILE,
        database=database,
        phones={SiteId("fuzhou"): (PhoneGroup("fuzhou", (AgentId("a1001"),), Answers()),)},
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_part_comes_after_what_it_needs(database: DatabaseKind) -> None:
    made = orders(_plan(database))
    assert decode_orders(encode_orders(made)) == made
    assert ("postgres" in {part.name for part in made.parts}) == (database == "postgresql")


def test_every_address_of_an_instance_is_its_own() -> None:
    text = encode_orders(orders(_plan("postgresql"))).decode()
    assert "127.7." in text
    assert "127.0." not in text


def test_phones_are_beside_their_site() -> None:
    site = _plan().topology.sites[SiteId("fuzhou")]
    assert phones_of(site) == "127.7.21.20"
    used = {address.host for address in (site.redis, site.console, *site.agi)} | {
        node.sip.host for node in site.nodes
    }
    assert phones_of(site) not in used


@pytest.mark.parametrize(
    ("database", "begins"), [("sqlite", "sqlite:////store/lab-7/"), ("postgresql", "postgresql+psycopg://")]
)
def test_tieline_understands_the_settings(tmp_path: Path, database: DatabaseKind, begins: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(settings_text(_plan(database), "secret-word"))
    settings = load_settings(file, {})
    assert settings.database_url.startswith(begins)
    assert settings.loopback_instance == 7
    assert "secret-word" not in repr(settings)


@cache
def _catalogue() -> Catalogue:
    return load_catalogue(None)


@pytest.mark.parametrize("city", list(TOPOLOGY.cities))
def test_keys_lead_where_the_menu_itself_leads(city: CityId) -> None:
    catalogue = _catalogue()
    menus = load_menus(catalogue.texts)
    for dialect in dict.fromkeys(TOPOLOGY.cities[city].dialects):
        if dialect not in DIALECTS:
            continue
        for business in Business:
            flow = MenuFlow(menus, catalogue, dialects=TOPOLOGY.cities[city].dialects)
            step = flow.start()
            for key in keys_for(TOPOLOGY.cities[city], dialect, business):
                assert isinstance(step, Ask)
                step = flow.on_digits(key)
            assert isinstance(step, Done)
            assert (step.dialect, step.business) == (dialect, business)


def test_keys_that_the_menu_does_not_offer_are_an_error() -> None:
    with pytest.raises(LabError, match="is offered"):
        keys_for(TOPOLOGY.cities[CityId("putian")], DialectId("hakka"), Business.REPAIR)


def test_a_known_caller_is_not_asked_for_the_dialect() -> None:
    assert keys_for(TOPOLOGY.cities[CityId("putian")], DialectId("puxian"), Business.BILLING, is_known=True) == "2"


def test_the_full_city_has_one_line_and_nothing_else_changes(tmp_path: Path) -> None:
    file = tmp_path / "quotas.toml"
    file.write_text(quotas_with_full_city(QUOTAS_FILE.read_text()))
    before, after = load_profiles(QUOTAS_FILE, TOPOLOGY), load_profiles(file, TOPOLOGY)
    assert {profile.quotas[FULL_CITY] for profile in after.values()} == {Quota(1, 1)}
    for name, profile in after.items():
        assert {**profile.quotas, FULL_CITY: None} == {**before[name].quotas, FULL_CITY: None}


def test_a_file_without_the_city_is_refused() -> None:
    with pytest.raises(LabError):
        quotas_with_full_city("elsewhere = { reserve = 1, cap = 3 }\n")


def test_a_site_with_a_second_node_has_all_phones_at_both(tmp_path: Path) -> None:
    file = tmp_path / "topology.toml"
    file.write_text(topology_with_second_node(TOPOLOGY_FILE.read_text(), SiteId("fuzhou")))
    topology = load_topology(file)
    first, second = topology.sites[SiteId("fuzhou")].nodes
    assert (second.id, str(second.sip), str(second.ami)) == ("fuzhou-2", "127.0.21.2:5060", "127.0.21.2:5038")
    assert topology.sites[SiteId("xiamen")] == TOPOLOGY.sites[SiteId("xiamen")]
    made = {part.name: part for part in orders(replace(_plan(), topology=topology)).parts}
    assert {"fuzhou-1", "fuzhou-2"} <= set(made["tieline-fuzhou"].after)
    registers = made["register-fuzhou"].argv, made["register-fuzhou-2"].argv
    assert [argv[len(SIPP)] for argv in registers] == [str(first.sip), str(second.sip)]
    ports = [argv[argv.index(flag) + 1] for argv in registers for flag in ("-p", "-cp")]
    assert len(set(ports)) == len(ports)


def test_a_second_node_for_no_site_or_a_third_node_is_refused() -> None:
    text = TOPOLOGY_FILE.read_text()
    with pytest.raises(LabError, match=r"elsewhere.*its sites are fuzhou, xiamen"):
        topology_with_second_node(text, SiteId("elsewhere"))
    with pytest.raises(LabError, match="one node"):
        topology_with_second_node(topology_with_second_node(text, SiteId("xiamen")), SiteId("xiamen"))


def test_samples_come_from_every_city_and_end_in_every_way() -> None:
    assert {sample.city for sample in SAMPLES} == set(TOPOLOGY.cities)
    assert {sample.ends for sample in SAMPLES} == {"rated", "caller", "menu", "waiting", "refused"}
    assert len({sample.dialect for sample in SAMPLES}) >= 5
    for sample in SAMPLES:
        keys = keys_for(TOPOLOGY.cities[sample.city], sample.dialect, sample.business)
        assert sample_script(sample, keys)


def test_the_labs_surges_are_the_shipped_ones_without_the_short_menu() -> None:
    profiles = load_profiles(HOME / "examples/quotas.toml", load_topology(HOME / "examples/fujian.toml"))
    shipped, ours = load_surge_rules(profiles), load_surge_rules(profiles, SURGE_FILE)
    plain = {state: replace(effect, short_menu=False) for state, effect in shipped.effects.items()}
    assert ours == replace(shipped, effects=plain)
