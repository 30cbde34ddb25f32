"""The command line: a wrong configuration starts nothing and is told whole."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main

pytestmark = pytest.mark.component

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(
        f'topology = "{ROOT}/examples/fujian.toml"\nagents = "{ROOT}/examples/agents.toml"\n'
        f'state = "{tmp_path}/state"\n'
    )
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def test_render_writes_every_node_and_edge_readable_by_us_alone(settings: Path, tmp_path: Path) -> None:
    code, output = run("conf", "render", "--settings", str(settings))
    assert code == 0, output
    made = [path for path in (tmp_path / "state/conf").rglob("*") if path.is_file()]
    assert {path.name for path in made} >= {"extensions.conf", "pjsip.conf", "manager.conf", "kamailio.cfg"}
    assert {path.stat().st_mode & 0o077 for path in made} == {0}
    assert run("conf", "render", "--settings", str(settings))[0] == 0


def test_a_faulty_topology_writes_nothing_and_names_every_fault(settings: Path, tmp_path: Path) -> None:
    text = (ROOT / "examples/fujian.toml").read_text()
    faulty = tmp_path / "faulty.toml"
    faulty.write_text(text.replace('home = "fuzhou"', 'home = "nowhere"', 1).replace("lines = 240", "lines = 0", 1))
    settings.write_text(settings.read_text().replace(f"{ROOT}/examples/fujian.toml", str(faulty)))
    code, output = run("conf", "render", "--settings", str(settings))
    assert code == 2
    assert "nowhere" in output
    assert "lines" in output
    assert not (tmp_path / "state").exists()


FAULTY = {
    "agents": ('site = "fuzhou"', 'site = "nowhere"', "nowhere"),
    "quotas": ("reserve = ", "reserve = -", "out of range"),
    "groups": ("[[group]]", "[[gruop]]", "gruop"),
    "surge": ("window_s = ", "window_s = 1000000 # ", "window_s"),
    "hours": ("always = true", 'always = "yes"', "always"),
    "callback": ("keep_h = ", "keep_hours = ", "keep_hours"),
}
DATA = {"surge": "trunk_config/data", "hours": "routing/data", "callback": "routing/data"}


def spoil(settings: Path, tmp_path: Path, *names: str) -> None:
    """Put faulty copies of the named files into the settings."""
    for name in names:
        good, bad, _ = FAULTY[name]
        text = (ROOT / DATA.get(name, "examples") / f"{name}.toml").read_text()
        assert good in text, name
        (tmp_path / f"{name}.toml").write_text(text.replace(good, bad, 1))
    lines = [line for line in settings.read_text().splitlines() if line.split(" = ")[0] not in names]
    settings.write_text("\n".join([*lines, *(f'{name} = "{tmp_path}/{name}.toml"' for name in names), ""]))


def test_serve_names_the_faults_of_every_file_in_one_message(settings: Path, tmp_path: Path) -> None:
    spoil(settings, tmp_path, *(name for name in FAULTY if name not in ("quotas", "agents")))
    code, output = run("serve", "--site", "taipei", "--only", "oven", "--settings", str(settings))
    assert code == 2
    for told in ("oven", "taipei", "gruop", "window_s", "always", "keep_hours", "secrets.toml: there is none"):
        assert told in output
    spoil(settings, tmp_path, "quotas", "agents")
    code, output = run("serve", "--site", "fuzhou", "--settings", str(settings))
    assert code == 2
    for told in ("agents.toml:", "quotas.toml:", "always", "keep_hours", "secrets.toml: there is none"):
        assert told in output
    assert not (tmp_path / "state").exists()


def test_render_and_diff_name_the_faults_of_every_file(settings: Path, tmp_path: Path) -> None:
    spoil(settings, tmp_path, "quotas", "agents")
    code, output = run("conf", "render", "--settings", str(settings))
    assert (code, "nowhere" in output, "out of range" in output) == (2, True, True)
    assert not (tmp_path / "state").exists()
    code, output = run("conf", "diff", "--json", "--settings", str(settings))
    files = {problem["where"].partition(":")[0] for problem in json.loads(output)["problems"]}
    assert (code, files) == (2, {"agents.toml", "quotas.toml", "secrets.toml"})


@pytest.mark.parametrize("words", [("conf", "render", "--settings"), ("token", "--settings")])
def test_a_directory_that_cannot_be_used_is_named(settings: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "state").write_text("no directory")
    code, output = run(*words, str(settings), *(["list"] if words[0] == "token" else []))
    assert (code, f"{tmp_path}/state: " in output, "check the path" in output) == (2, True, True)


def test_serve_refuses_an_unknown_site_and_part(settings: Path) -> None:
    run("conf", "render", "--settings", str(settings))
    code, output = run("serve", "--site", "taipei", "--settings", str(settings))
    assert (code, "fuzhou" in output) == (2, True)
    code, output = run("serve", "--site", "fuzhou", "--only", "agi,oven", "--settings", str(settings))
    assert (code, "oven" in output) == (2, True)
    code, output = run("serve", "--site", "fuzhou", "--agi-index", "9", "--settings", str(settings))
    assert (code, "agi-index" in output) == (2, True)


def test_the_faults_of_every_file_of_a_site_are_told_at_once(settings: Path, tmp_path: Path) -> None:
    run("conf", "render", "--settings", str(settings))
    wrong = {
        "agents": '[[agent]]\nid = "a1001"\nsite = "fuzhou"\nname = "x"\ndialects = {}\nbusiness = {}\n',
        "callers": '[[caller]]\nnumber = "110"\nimportant = true\n',
        "callback": 'numbers = []\nfrom = "noon"\nuntil = "21:00"\nkeep_h = 48\n',
        "hours": "",
    }
    for name, text in wrong.items():
        (tmp_path / f"{name}.toml").write_text(text)
    named = "".join(f'{name} = "{tmp_path}/{name}.toml"\n' for name in wrong)
    others = [line for line in settings.read_text().splitlines() if not line.startswith("agents")]
    settings.write_text("\n".join([*others, named]))
    code, output = run("serve", "--site", "fuzhou", "--settings", str(settings))
    assert code == 2
    for told in ("agents.toml:6 agent[a1001].business: no business", "callers.toml:2 caller[0].number: not a number"):
        assert told in output
    assert "callback.toml:2 from: 'noon' is no time of the day" in output
    assert "table `business` is missing" in output
    assert "110" not in output


def test_a_settings_file_with_unknown_keys_is_refused_whole(settings: Path) -> None:
    settings.write_text(settings.read_text() + 'colour = "red"\nring_s = -1\n')
    code, output = run("conf", "render", "--settings", str(settings))
    assert code == 2
    assert "colour" in output
    assert "ring_s" in output


def test_route_hours_tells_what_is_open_and_why(settings: Path) -> None:
    where = f'hours = "{ROOT}/routing/data/hours.toml"\nholidays = "{ROOT}/routing/data/holidays.toml"\n'
    settings.write_text(settings.read_text() + where)
    code, output = run("route", "--settings", str(settings), "hours", "--at", "2026-10-01 23:00")
    assert code == 0, output
    lines = {line.split()[0]: line for line in output.splitlines()}
    assert lines["billing"] == "billing     closed  holiday (国庆节): 08:00-22:00  opens 2026-10-02 08:00"
    assert lines["repair"] == "repair      open    day and night"
    assert run("route", "--settings", str(settings), "hours", "--at", "noon")[0] == 2


def test_every_command_is_found_and_explained() -> None:
    code, output = run("--help")
    names = [line.split()[0] for line in output.partition("Commands:\n")[2].splitlines()]
    assert (code, {"agent", "bench", "conf", "lab", "prompts", "quota", "serve", "trunk"} - {*names}) == (0, set())
    for name in names:
        code, output = run(name, "--help")
        assert (code, name in output) == (0, True), output
