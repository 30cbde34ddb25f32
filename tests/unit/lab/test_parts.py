"""Orders to the supervisor, and the command line of the sandbox."""

from pathlib import Path

import pytest

from lab.parts import AnswersLine, Exits, Notifies, Orders, Part, Places, decode_orders, encode_orders
from lab.sandbox import Sandbox, leashed
from tieline.errors import LocalProtocolError
from tieline.topology import Address

pytestmark = pytest.mark.unit

REDIS = Part(name="redis", argv=("redis-server",), ready=AnswersLine(Address("127.0.0.1", 1), b"PING", b"+"), log="r")
PLACES = Places(root="/root-of-lab", writable=("/state",))


def test_orders_survive_the_file() -> None:
    orders = Orders(
        places=PLACES,
        parts=(
            REDIS,
            Part(
                name="step",
                argv=("true",),
                ready=Exits(),
                log="s",
                after=("redis",),
                uid=1000,
                environment={"A": "b"},
            ),
            Part(name="python", argv=("x",), ready=Notifies(3.0), log="p", in_root=False, restart=True),
        ),
    )
    assert decode_orders(encode_orders(orders)) == orders


@pytest.mark.parametrize(
    "parts",
    [
        (REDIS, REDIS),
        (Part(name="early", argv=("x",), ready=Exits(), log="x", after=("redis",)), REDIS),
        (Part(name="own", argv=("x",), ready=Exits(), log="x", after=("own",)),),
    ],
    ids=["twice", "before what it needs", "needs itself"],
)
def test_orders_out_of_order_are_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(LocalProtocolError):
        decode_orders(encode_orders(Orders(places=PLACES, parts=parts)))


def test_garbage_is_no_orders() -> None:
    with pytest.raises(LocalProtocolError):
        decode_orders(b"{}")


def test_the_sandbox_binds_the_labs_directories_after_its_own_and_inherits_nothing() -> None:
    command = Sandbox(Path("/r"), (Path("/code"),), (Path("/code/state"),)).command(
        ["redis-server", "--port", "1"], uid=1000, environment={"NAME": "value"}, info_fd=7
    )
    text = " ".join(command)
    assert (
        text.index("--tmpfs /tmp")
        < text.index("--ro-bind /code /code")
        < text.index("--bind /code/state /code/state")
    )
    assert text.index("/code/state") < text.index("--remount-ro /")
    assert "--clearenv" in command
    assert "--die-with-parent" in command
    assert "--unshare-user --uid 1000 --gid 1000" in text
    assert "--setenv NAME value" in text
    assert command[-5:] == ["7", "--", "redis-server", "--port", "1"]


def test_host_programs_are_killed_with_their_starter() -> None:
    assert leashed(["x"]) == ["setpriv", "--pdeathsig", "KILL", "--", "x"]
