"""Settings: what differs between installations and is not the network itself.

Each value comes from the defaults here, then the settings file, then the environment (`TIELINE_<NAME>` in upper
case); the last one wins. Everything is checked at start and all problems are reported together. One secret can be
in here, the password inside the database URL: it is masked in `repr`. The others live in `tieline.secrets_file`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from tieline.errors import ConfigError, Problem
from tieline.toml_file import TomlFile
from tieline.toml_lines import KeyPath
from tieline.toml_table import Table

PREFIX: Final = "TIELINE_"

OTHER_VARIABLES: Final = frozenset(("TIELINE_SETTINGS", "TIELINE_ROOT", "TIELINE_GOLDEN"))
"""Variables with our prefix that are no settings: the settings file, the lab's private root, a switch of tests."""

_PASSWORD: Final = re.compile(r"(?<=:)[^:@/]+(?=@)")
_DATABASES: Final = ("sqlite:///", "postgresql+psycopg://")
_IN_STATE: Final = ("journal", "recordings", "conf_out", "secrets")
_CHOICES: Final = {"log_level": ("debug", "info", "warning", "error"), "log_format": ("json", "console")}
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The settings of one installation. `load_settings` makes every path absolute.

    Attributes:
        topology: The network, see `examples/fujian.toml`.
        agents: The agents, see `examples/agents.toml`.
        groups: Named sets of them, see `examples/groups.toml`.
        callers: What is known of callers by their number, see `routing/data/callers.toml`.
        quotas: The cities' shares of the lines, see `examples/quotas.toml`.
        surge: What counts as a surge of a city and what it sets off, see `trunk_config/data/surge.toml`.
        hours: When agents answer which business, see `routing/data/hours.toml`.
        callback: Whom one may call back, and when, see `routing/data/callback.toml`.
        holidays: Holidays and shifted working days, see `routing/data/holidays.toml`.
        state: Directory for what must survive a restart of a process; sockets and locks live here too.
        sounds: Built audio, one folder a dialect.
        journal: Directory of the call journals, one file a node. This and the next three default to `state`.
        recordings: Directory of the recorded talks.
        conf_out: Where `tieline conf render` writes what Asterisk and Kamailio read.
        secrets: File made by `tieline.secrets_file.generate`.
        database_url: `sqlite:///…` or `postgresql+psycopg://…`; empty means a SQLite file in `state`.
        loopback_instance: 0 to 254; see `tieline.loopback.shift_loopback`.
        log_pii: Whether `pii.*` fields of log lines are written out; otherwise they are masked.
        agi_accept_from: Addresses that may connect to the AGI servers besides the site's own nodes.
        wrap_up_s: After a talk an agent gets no call for so long, seconds.
        ring_s: How long an agent's phone rings, seconds.
        offer_lease_s: An offer not taken after so long is void, seconds.
        no_answer_pause_s: How long an agent who did not answer is paused, seconds.
        agents_log_in: Whether an agent must log in at his desk; otherwise a registered phone is enough to get calls.
        recording: Whether talks are recorded (after the spoken notice). Without it no agent can consult another one:
            see `TL_TALK` in the dialplan.
        redis_deadline_s: How long one call to Redis may take, seconds.
        sql_deadline_s: How long one SQL statement or connection may take, seconds.
        drain_s: On stop, how long running scripts may go on, seconds.
    """

    topology: Path = Path("examples/fujian.toml")
    agents: Path = Path("examples/agents.toml")
    groups: Path = Path("examples/groups.toml")
    callers: Path = Path("routing/data/callers.toml")
    quotas: Path = Path("examples/quotas.toml")
    surge: Path = Path("trunk_config/data/surge.toml")
    hours: Path = Path("routing/data/hours.toml")
    callback: Path = Path("routing/data/callback.toml")
    holidays: Path = Path("routing/data/holidays.toml")
    state: Path = Path(".tieline/run")
    sounds: Path = Path(".tieline/sounds")
    journal: Path = Path(".tieline/run/journal")
    recordings: Path = Path(".tieline/run/recordings")
    conf_out: Path = Path(".tieline/run/conf")
    secrets: Path = Path(".tieline/run/secrets.toml")
    database_url: str = "sqlite:///.tieline/run/tieline.sqlite"
    loopback_instance: int = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    log_pii: bool = True
    agi_accept_from: tuple[str, ...] = ()
    wrap_up_s: float = 20.0
    ring_s: float = 12.0
    offer_lease_s: float = 5.0
    no_answer_pause_s: float = 30.0
    agents_log_in: bool = False
    recording: bool = True
    redis_deadline_s: float = 1.0
    sql_deadline_s: float = 5.0
    drain_s: float = 10.0

    def __repr__(self) -> str:
        """Show every setting, the database password masked."""
        shown = (f"{field.name}={_PASSWORD.sub('…', repr(getattr(self, field.name)))}" for field in fields(self))
        return f"Settings({', '.join(shown)})"


_BOUNDS_S: Final[dict[str, tuple[float, float]]] = {
    "wrap_up_s": (0, 3600),
    "ring_s": (1, 120),
    "offer_lease_s": (0.5, 60),
    "no_answer_pause_s": (0, 3600),
    "redis_deadline_s": (0.05, 10),
    "sql_deadline_s": (0.1, 60),
    "drain_s": (0, 600),
}
_DEFAULTS: Final = Settings()


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings: defaults, then the file, then the environment.

    Relative paths in the file are relative to the file, those of the environment to the working directory.

    Args:
        path: A TOML file, or None for defaults and environment alone.
        environ: Usually `os.environ`.

    Raises:
        ConfigError: The file cannot be read, or any value is unknown or wrong; names every problem.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    if path is not None:
        file = TomlFile(path)
        values |= _read(file.root, path.absolute().parent)
        problems += file.found()
    environment = _Environment(environ)
    values |= _read(Table(environment, (), environment.values), Path.cwd())
    problems += sorted(environment.problems, key=str)
    if problems:
        raise ConfigError(str(path or "environment"), problems)
    return _complete(values)


def _complete(values: dict[str, Any]) -> Settings:
    """Put defaults where nothing was said; some of them follow `state`."""
    here = Path.cwd()
    for field in fields(Settings):
        if isinstance(field.default, Path):
            values.setdefault(field.name, None if field.name in _IN_STATE else here / field.default)
    for name in _IN_STATE:
        values[name] = values[name] or values["state"] / getattr(_DEFAULTS, name).name
    if not values.get("database_url"):
        values["database_url"] = f"sqlite:///{values['state'] / 'tieline.sqlite'}"
    return Settings(**values)


def _read(table: Table, base: Path) -> dict[str, Any]:
    """Read what a table says; paths are relative to `base`."""
    names = [field.name for field in fields(Settings)]
    values = {name: _value(table, name, base) for name in names if table.has(name)}
    table.finish()
    return values


def _value(table: Table, name: str, base: Path) -> object:
    match getattr(_DEFAULTS, name):
        case Path():
            return base / table.text(name, max_length=1000)
        case bool():
            return table.flag(name)
        case float():
            return table.number(name, *_BOUNDS_S[name])
        case int():
            return table.integer(name, 0, 254)
        case tuple():
            return table.hosts(name)
        case _ if name in _CHOICES:
            return table.choice(name, _CHOICES[name])
        case _:
            return _database_url(table)


def _database_url(table: Table) -> str:
    url = table.text("database_url", max_length=1000)
    if url and not url.startswith(_DATABASES):
        table.fault("database_url", "not a database we know", "begin with " + " or ".join(_DATABASES))
    return url


class _Environment:
    """The environment as a table: texts turned into what each setting is."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        kinds = {field.name: field.default for field in fields(Settings)}
        self.values = {
            name: _typed(text, kinds.get(name))
            for variable, text in sorted(environ.items())
            if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES
            for name in [variable.removeprefix(PREFIX).lower()]
        }

    def fault(self, path: KeyPath, what: str, mend: str) -> None:
        """Note a problem under the variable's name."""
        self.problems.append(Problem(PREFIX + str(path[0]).upper(), what, mend))


def _typed(text: str, kind: object) -> object:
    """Turn a variable's text into the type of a setting, or leave it for the reader to refuse."""
    if isinstance(kind, bool):
        word = text.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else text
    if isinstance(kind, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(kind, (int, float)):
        try:
            return type(kind)(text)
        except ValueError:
            return text
    return text
