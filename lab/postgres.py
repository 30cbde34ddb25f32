"""PostgreSQL in the lab: three parts, made, served, and given its database. Pure."""

from pathlib import Path
from typing import Final

from lab.parts import AnswersLine, Exits, Part
from tieline.topology import Address

USER: Final = "tieline"
"""The only user, and the name of its database."""

_UID: Final = 1000
"""PostgreSQL refuses to run as root: it gets a user namespace in which it is somebody else."""

_SSL_REQUEST: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""Answered by one byte as soon as connections are taken (PostgreSQL 18, chapter 54.7, SSLRequest)."""

# A cluster whose making was interrupted has no mark, and is made again.
_MAKE: Final = (
    "test -f $PGDATA/../postgres.made || { rm -rf $PGDATA && mkdir -m 700 $PGDATA"
    " && /usr/lib/postgresql/*/bin/initdb -U $PGUSER --pwfile=$PASSWORD_FILE --auth=scram-sha-256"
    " -E UTF8 --locale=C.UTF-8 --no-sync && touch $PGDATA/../postgres.made; }"
)
_SERVE: Final = (
    "exec /usr/lib/postgresql/*/bin/postgres -c listen_addresses=$PGHOST -c unix_socket_directories=$PGDATA"
    " -c max_connections=200"
)
# SSLRequest is answered while the server still starts up and lets nobody in.
_CREATE: Final = (
    "until pg_isready -q; do sleep 0.1; done;"
    " PGPASSWORD=$(cat $PASSWORD_FILE); export PGPASSWORD;"
    " psql -d postgres -tAc 'SELECT datname FROM pg_database' | grep -qx $PGUSER || createdb $PGUSER"
)


def postgres_parts(state: Path, address: Address, password_file: Path, logs: Path) -> tuple[Part, ...]:
    """Give the parts `initdb`, `postgres` and `database`; whoever needs SQL comes after the last.

    Args:
        state: The lab's state directory; the cluster is its `postgres`.
        address: Where it listens.
        password_file: Holds the user's password.
        logs: Directory of the logs.
    """
    environment = {
        "PGDATA": str(state / "postgres"),
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": USER,
        "PASSWORD_FILE": str(password_file),
    }

    def part(name: str, script: str, ready: Exits | AnswersLine, after: tuple[str, ...]) -> Part:
        return Part(
            name=name,
            argv=("sh", "-c", script),
            ready=ready,
            log=str(logs / f"{name}.log"),
            after=after,
            environment=environment,
            uid=_UID,
            ready_s=60,
            stop_signal=2,  # SIGINT: end without waiting for clients
        )

    return (
        part("initdb", _MAKE, Exits(), ()),
        part("postgres", _SERVE, AnswersLine(address, _SSL_REQUEST, b"N"), ("initdb",)),
        part("database", _CREATE, Exits(), ("postgres",)),
    )
