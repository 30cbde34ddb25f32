"""`tieline quota forecast` on a database of calls."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from crm_adapter.store import Store
from service.cli import main
from tests.unit.crm_adapter.records import record
from tieline.database import Database, create_schema

pytestmark = pytest.mark.component

ROOT = Path(__file__).resolve().parents[3]
LOAD_FILE = str(ROOT / "examples/load.toml")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    examples = "".join(f'{name} = "{ROOT}/examples/{name}.toml"\n' for name in ("agents", "quotas"))
    path.write_text(f'topology = "{ROOT}/examples/fujian.toml"\n{examples}state = "{tmp_path}/state"\n')
    return path


def run(settings: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["quota", "--settings", str(settings), "forecast", *arguments])
    return result.exit_code, result.output


def test_what_if_beside_a_profile_from_a_file(settings: Path) -> None:
    asked = ("--load-file", LOAD_FILE, "--what-if", "fuzhou=12", "--profile", "typhoon", "--json")
    code, output = run(settings, "fuzhou", *asked)
    assert code == 0, output
    told = json.loads(output)
    assert (told["site"], told["lines"], told["loads_from"]) == ("fuzhou", 240, "load.toml")
    assert told["factors"] == {"fuzhou": 12.0}
    assert told["present"]["name"] == "normal, version 1"
    assert told["proposed"]["name"] == "typhoon"
    cities = {city["city"]: city for city in told["present"]["cities"]}
    assert cities["fuzhou"]["load_erlang"] == pytest.approx(149.28)
    assert cities["fuzhou"]["loss"] == pytest.approx(0.218, abs=0.001)
    assert cities["putian"]["lines_needed"] == 11
    assert cities["xiamen"]["load_erlang"] == 0  # it calls at its own site


def test_what_is_typed_goes_before_the_file(settings: Path) -> None:
    code, output = run(settings, "fuzhou", "--load-file", LOAD_FILE, "--load", "putian=30,xiamen=6.1", "--json")
    assert code == 0, output
    told = json.loads(output)
    loads = {city["city"]: city["load_erlang"] for city in told["present"]["cities"]}
    assert (loads["fuzhou"], loads["putian"], loads["xiamen"]) == (12.44, 30.0, 6.1)
    assert told["loads_from"] == "load.toml and --load"


def test_measured_loads(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    database = Database(f"sqlite:///{tmp_path}/state/tieline.sqlite")
    create_schema(database)
    hour_began = (time.time() // 3600 - 2) * 3600
    calls = [
        record(call_id=f"fuzhou-1:fuzhou-1-1763.{n}", arrived_at=hour_began + n, hangup_at=hour_began + n + 200)
        for n in range(90)
    ]
    asyncio.run(Store(database).deliver(calls))
    database.close()
    code, output = run(settings, "fuzhou", "--json")
    assert code == 0, output
    told = json.loads(output)
    assert told["present"]["cities"][0]["load_erlang"] == pytest.approx(5.0)
    assert told["loads_from"].startswith("measured, busy hours from ")
    code, output = run(settings, "fuzhou")
    assert (code, "5.00" in output) == (0, True), output


def test_nothing_measured_yet(settings: Path) -> None:
    code, output = run(settings, "fuzhou")
    assert code == 1
    assert "no call ended at fuzhou within 7 days" in output


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture(settings: Path, tmp_path: Path, form: str) -> None:
    picture = tmp_path / f"forecast.{form}"
    code, output = run(settings, "fuzhou", "--load", "fuzhou=12.4", "--plot", str(picture))
    assert code == 0, output
    assert picture.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("taipei", "--load", "fuzhou=1"), "unknown: taipei (use one of fuzhou, xiamen)"),
        (("fuzhou", "--load", "fuzhou=1", "--profile", "x"), "unknown: x (use one of normal, typhoon, take-over)"),
        (("fuzhou", "--load", "fuzhou=-1,atlantis=2"), "unknown city 'atlantis'"),
        (("fuzhou", "--load", "fuzhou=1", "--what-if", "fuzhou=1001"), "write 0 to 1000"),
        (("fuzhou", "--load", "fuzhou=1", "--what-if", "putian=2"), "putian: no load to multiply"),
        (("fuzhou", "--load", "fuzhou=1", "--plot", "a.pdf"), "no picture we draw: .pdf"),
        (("fuzhou", "--load", "fuzhou=1", "--plot", "/nowhere/a.svg"), "cannot be written: No such file"),
    ],
)
def test_what_is_wrong_is_told(settings: Path, arguments: tuple[str, ...], said: str) -> None:
    code, output = run(settings, *arguments)
    assert (code, said in output) == (2, True), output


def test_everything_that_is_wrong_is_told_at_once(settings: Path, tmp_path: Path) -> None:
    loads = tmp_path / "load.toml"
    loads.write_text("[erlang]\nquemoy = 1\n")
    bad = ("--load", "a=1", "--load-file", str(loads), "--what-if", "b=2", "--profile", "x", "--plot", "a.pdf")
    code, output = run(settings, "fuzhou", *bad, "--json")
    told = [str(problem["where"]) + problem["what"] for problem in json.loads(output)["problems"]]
    assert code == 2
    for at, said in enumerate(("unknown: x", "no picture", "city 'b'", "city quemoy", "city 'a'")):
        assert said in told[at]


def test_every_city_that_does_not_fit_is_told_at_once(settings: Path) -> None:
    code, output = run(settings, "fuzhou", "--load", "putian=1", "--what-if", "fuzhou=2,ningde=3")
    assert (code, output.count("no load to multiply")) == (2, 2)
