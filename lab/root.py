"""The private root: one Debian suite's Asterisk, Kamailio, SIPp, Redis and PostgreSQL, beside the host's own.

Made once by mmdebstrap (as root or not), kept under `.tieline/roots/` as a tarball and an unpacked directory, named
by a hash of what is in it. Both appear by a rename, so an interrupted build leaves nothing that looks usable.
Programs run in it through `lab.sandbox`; nothing in it is started by a package and the host stays as it was.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.host_apt import archives, proxies

Say = Callable[[str], None]
"""Takes one line of progress."""

ROOTS: Final = Path(__file__).resolve().parent.parent / ".tieline" / "roots"
"""Where the roots of this checkout are kept."""

PACKAGES: Final = (
    "asterisk",
    "asterisk-modules",
    "espeak-ng",
    "iproute2",
    "kamailio",
    "kamailio-extra-modules",
    "kamailio-utils-modules",
    "nftables",
    "postgresql",
    "procps",
    "python3",
    "redis-server",
    "sip-tester",
    "sox",
    "util-linux",
)
SUITES: Final = ("testing", "unstable")
"""In order of preference: Debian's stable suites have no Asterisk."""

_LAYOUT: Final = "3"
"""Raise it when the way the root is made changes."""

_NOT_NEEDED: Final = (
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/lintian/*",
)
_KEYRINGS: Final = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
# Without DNS Asterisk looks both names up for each SDP and stalls for seconds on each.
_STALLING_NAMES: Final = "A.ROOT-SERVERS.NET"
_USER: Final = "lab:x:1000:1000:lab:/tmp:/bin/sh\n"


def root_name(suite: str) -> str:
    """Name the root of a suite: changes with the packages, the suite, the layout and pyst2's version."""
    parts = (_LAYOUT, suite, importlib.metadata.version("pyst2"), *PACKAGES)
    return f"{suite}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def find_root(store: Path) -> Path | None:
    """Give the root in use: `TIELINE_ROOT` when set, else the first complete one in `store`, else None.

    Args:
        store: Usually `.tieline/roots`; `.tieline/root` is a link to the one in use.
    """
    named = os.environ.get("TIELINE_ROOT")
    if named:
        return Path(named)
    return next((path for suite in SUITES if (path := store / root_name(suite)).is_dir()), None)


def need_root(store: Path = ROOTS) -> Path:
    """Give the root in use, by default of this checkout.

    Raises:
        LabError: There is none yet.
    """
    root = find_root(store)
    if root is None or not root.is_dir():
        raise LabError(f"no private root ({root or store}): make it with `tieline lab root`")
    return root


def ensure_root(store: Path, say: Say) -> Path:
    """Give the root, building it when there is none (about a minute, 700 MB, network needed).

    Safe to run twice at once: the second waits for the first and uses its work.

    Raises:
        LabError: A tool is missing, no archive was found, or no suite could be installed.
    """
    store.mkdir(parents=True, exist_ok=True)
    with _locked(store / "lock", say):
        root = find_root(store)
        if root is None:
            root = _build(store, say)
        elif not root.is_dir():
            raise LabError(f"TIELINE_ROOT names {root}, which is not there")
        _write_names(root)
        _link(store, root)
    return root


def _link(store: Path, root: Path) -> None:
    """Let `root` beside the store point to the root in use: other commands look there."""
    link = store.parent / "root"
    if root.parent == store and not (link.is_symlink() and link.resolve() == root.resolve()):
        draft = store / "link.part"
        draft.unlink(missing_ok=True)
        draft.symlink_to(root)
        draft.rename(link)


def _build(store: Path, say: Say) -> Path:
    for tool in ("mmdebstrap", "tar", "apt-get"):
        if shutil.which(tool) is None:
            raise LabError(f"{tool} is missing: apt-get install {tool}")
    for stale in store.glob("*.part*"):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    failures: list[str] = []
    for suite in SUITES:
        name = root_name(suite)
        tarball = store / f"{name}.tar"
        if not tarball.exists():
            fault = _bootstrap(suite, tarball, say)
            if fault:
                failures.append(f"{suite}: {fault}")
                continue
        return _unpack(tarball, store / name, say)
    raise LabError("the private root cannot be built:\n" + "\n".join(failures))


def _bootstrap(suite: str, tarball: Path, say: Say) -> str:
    """Make the tarball of one suite; returns what went wrong, or an empty string."""
    last = "no Debian archive in this host's apt configuration"
    for archive in archives():
        say(f"private root: {len(PACKAGES)} packages and what they need, Debian {suite}")
        part = tarball.with_suffix(".part.tar")
        fault = _run_mmdebstrap(suite, archive, part, say)
        if not fault:
            part.rename(tarball)
            return ""
        part.unlink(missing_ok=True)
        last = fault
    return last


def _run_mmdebstrap(suite: str, archive: str, target: Path, say: Say) -> str:
    command = [
        "mmdebstrap",
        "--variant=apt",
        "--format=tar",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        f"--include={','.join(PACKAGES)}",
        "--aptopt=Acquire::Check-Valid-Until false",
        "--aptopt=Acquire::Check-Date false",
        "--aptopt=APT::Install-Recommends false",
        *(f"--aptopt={option}" for option in proxies()),
        *(f"--dpkgopt=path-exclude=/{pattern}" for pattern in _NOT_NEEDED),
        *(f"--keyring={path}" for name in _KEYRINGS if (path := Path("/usr/share/keyrings") / name).exists()),
        suite,
        str(target),
        f"deb {archive} {suite} main",
    ]
    tail: list[str] = []
    # A world-readable place: unprivileged, mmdebstrap works there as another user.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            tail = [*tail[-8:], line.rstrip()]
            if line.startswith("I: "):
                say(f"private root: {line[3:].strip()}")
    return "" if process.returncode == 0 else "\n".join(tail)


def _unpack(tarball: Path, root: Path, say: Say) -> Path:
    say("private root: unpacking")
    with tempfile.TemporaryDirectory(prefix=f"{root.name}.part", dir=tarball.parent) as part:
        inner = Path(part) / "root"
        inner.mkdir()
        # Owners do not matter: inside the sandbox everything belongs to whoever runs it.
        command = ["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-f", str(tarball), "-C", str(inner)]
        subprocess.run(command, check=True)
        _add_pyst2(inner)
        inner.rename(root)
    say(f"private root: ready in {root}")
    return root


def _add_pyst2(root: Path) -> None:
    """Copy pyst2's package (plain Python) in, so that the stdio hang-up script runs with the root's own python3."""
    files = [*(importlib.metadata.files("pyst2") or []), *(importlib.metadata.files("six") or [])]
    wanted = [path for path in files if path.parts[0] in ("asterisk", "six.py") and path.suffix == ".py"]
    sources = [path for path in wanted if "__pycache__" not in path.parts]
    if not {"asterisk", "six.py"} <= {path.parts[0] for path in sources}:
        raise LabError("pyst2, or six that it needs, is not installed beside Tieline")
    for path in sources:
        target = root / "usr/lib/python3/dist-packages" / str(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(path.locate()), target)


def _write_names(root: Path) -> None:
    """Let the root know this host's name and the one that Asterisk's resolver asks for, and no name server."""
    hosts = f"127.0.0.1 localhost {socket.gethostname()} {_STALLING_NAMES}\n"
    for path, text in ((root / "etc/hosts", hosts), (root / "etc/resolv.conf", "")):
        if path.is_symlink() or not path.exists() or path.read_text() != text:
            path.unlink(missing_ok=True)
            path.write_text(text)
    # A name for the user that PostgreSQL runs as.
    users = root / "etc/passwd"
    if _USER not in users.read_text():
        users.write_text(users.read_text() + _USER)


@contextlib.contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("private root: somebody else is building it, waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
