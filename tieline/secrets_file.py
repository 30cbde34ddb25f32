"""The secrets file: made once with random values, readable by its owner alone.

No secret is in a tracked file or in the environment. Each agent's SIP password is derived from one master secret,
so there is no list of them to guard, and a new agent needs no new secret.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from tieline.errors import ConfigError, Problem
from tieline.model import AgentId
from tieline.toml_file import TomlFile

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")
"""No character that a configuration file of Asterisk, Kamailio or Redis, or a URL, would take as its own."""

_HEAD: Final = "# Made by Tieline. Keep it at mode 0600 and out of version control and mail.\n"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The secrets of one installation; `repr` shows none of them.

    Attributes:
        ami_password: Of the bridge's manager account on every node.
        redis_password: Of every site's Redis.
        agent_secret: Master from which agents' SIP passwords are derived, and that of a manager account.
        cookie_secret: Signs the console's cookies.
    """

    ami_password: str
    redis_password: str
    agent_secret: str
    cookie_secret: str

    def agent_password(self, agent: AgentId | str) -> str:
        """Derive an agent's SIP password: 26 letters and digits, 130 bits of HMAC-SHA-256 (RFC 2104)."""
        digest = hmac.digest(self.agent_secret.encode(), b"sip:" + agent.encode(), hashlib.sha256)
        number = int.from_bytes(digest[:17])
        letters = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them, without l, o, 0 and 1: people type these
        return "".join(letters[number >> 5 * position & 31] for position in range(26))

    @property
    def ami_caller_password(self) -> str:
        """Derive the password of the manager account that calls customers; it does not follow from the bridge's."""
        return hmac.digest(self.agent_secret.encode(), b"ami:caller", hashlib.sha256).hex()

    def __repr__(self) -> str:
        """Name the class only."""
        return "Secrets(…)"


def generate(path: Path) -> bool:
    """Make a secrets file with mode 0600, unless there is one.

    Safe against a second process doing the same and against a kill half-way: the file appears whole or not at all,
    and is never overwritten.

    Returns:
        True when it was made, False when one was there already.
    """
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f'{field.name} = "{secrets.token_hex(24)}"\n' for field in fields(Secrets)]
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(_HEAD + "".join(lines))
            stream.flush()
            os.fsync(stream.fileno())
        # A link, unlike a rename, fails when the name is taken.
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def load(path: Path) -> Secrets:
    """Read a secrets file.

    Raises:
        ConfigError: It is missing, malformed, or readable by others than its owner.
    """
    try:
        file = TomlFile(path)
    except ConfigError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        mend = "`tieline conf render` makes it; or name the settings file of this installation"
        raise ConfigError(str(path), [Problem(path.name, "there is none", mend)]) from error
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        file.fault((), f"mode {mode:04o} lets others read it", f"chmod 600 {path.name}, then change the secrets")
    root = file.root
    values = {field.name: root.text(field.name, max_length=128) for field in fields(Secrets)}
    for name, value in values.items():
        if value and not _FORM.fullmatch(value):
            root.fault(
                name, "not 16 to 128 of A-Z a-z 0-9 _ -", "write another; e.g. `openssl rand -hex 24` makes one"
            )
    root.finish()
    problems = [_without_value(problem) for problem in file.found()]
    if problems:
        raise ConfigError(str(path), problems)
    return Secrets(**values)


def _without_value(problem: Problem) -> Problem:
    """Take out of a message what may be a secret: the reader of TOML shows wrong values."""
    shows_none = problem.what.startswith(("`", "unknown key", "mode ", "not 16"))
    return problem if shows_none else replace(problem, what="the value is not a text that can be used")
