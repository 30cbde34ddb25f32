"""How a program is started in the private root. Pure: builds the command line of bwrap.

The lab's own directories appear inside at the same absolute path as outside, so one path in a configuration file is
right for everybody. Each program has its own process namespace: when its first process ends, all others end too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}  # noqa: S108


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The private root with the directories of one lab.

    Attributes:
        root: Where the root is unpacked; programs cannot change it.
        readable: Directories that programs may read.
        writable: Directories that programs may change; may lie inside a readable one.
    """

    root: Path
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()

    def command(
        self,
        argv: Sequence[str],
        *,
        uid: int | None = None,
        environment: Mapping[str, str] | None = None,
        info_fd: int | None = None,
    ) -> list[str]:
        """Build the command that runs `argv` in the root and dies with whoever starts it.

        Args:
            argv: The program and its arguments, as the root names them.
            uid: Run as this user of an own user namespace (PostgreSQL refuses to run as root).
            environment: Added to the few variables that programs get; nothing else is inherited.
            info_fd: Open file descriptor to which bwrap writes the process id of its child, as JSON.
        """
        # /tmp and /run first: the lab's directories may lie below them.
        command = ["bwrap", "--bind", str(self.root), "/", "--dev", "/dev", "--proc", "/proc"]
        command += ["--tmpfs", "/tmp", "--tmpfs", "/run"]  # noqa: S108
        for path in self.readable:
            command += ["--ro-bind", str(path), str(path)]
        for path in self.writable:
            command += ["--bind", str(path), str(path)]
        command += ["--remount-ro", "/", "--die-with-parent", "--unshare-pid", "--clearenv"]
        for name, value in {**_ENVIRONMENT, **(environment or {})}.items():
            command += ["--setenv", name, value]
        if uid is not None:
            command += ["--unshare-user", "--uid", str(uid), "--gid", str(uid)]
        if info_fd is not None:
            command += ["--info-fd", str(info_fd)]
        return [*command, "--", *argv]


def leashed(argv: Sequence[str]) -> list[str]:
    """Build the command that runs a program of the host and kills it when its starter is gone, however it went."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *argv]
