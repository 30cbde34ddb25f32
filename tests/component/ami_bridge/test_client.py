import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from ami_bridge.actions import CoreShowChannels, Hangup, Originate, Ping, SetGlobal, Setvar
from ami_bridge.client import Client
from ami_bridge.dispatch import Dispatcher
from ami_bridge.events import Hold
from ami_bridge.node_link import NodeLink, Patience
from tests.component.ami_bridge.scripted_ami import SECRET, ScriptedAmi, scripted_ami
from tieline.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError, NotReady

pytestmark = pytest.mark.component

CHANNEL = "PJSIP/edge-00000000"
CALL = Originate("PJSIP/trunk", "callback", "s", 20_000, "id")
QUICK = Patience(1, 1, 0.05, 0.2, 0.02, 0.2)


class Watched:
    """A client with its link's changes noted, and events to wait for them."""

    def __init__(
        self, peer: ScriptedAmi, *, secret: str = SECRET, local: str = "", patience: Patience = QUICK
    ) -> None:
        self.changes: asyncio.Queue[str] = asyncio.Queue()
        self.dispatcher = Dispatcher()
        self.held: asyncio.Queue[Hold] = asyncio.Queue()
        self.dispatcher.subscribe(Hold, self.held.put_nowait)
        node = NodeLink("fuzhou-1", "127.0.0.1", peer.port, "tieline", secret, local)
        self.client = Client(
            node,
            self.dispatcher,
            on_up=lambda: self.changes.put_nowait("up"),
            on_down=lambda reason: self.changes.put_nowait(reason),
            patience=patience,
        )

    async def next_change(self) -> str:
        async with asyncio.timeout(5):
            return await self.changes.get()


@contextlib.asynccontextmanager
async def running(watched: Watched) -> AsyncIterator[Watched]:
    task = asyncio.create_task(watched.client.run())
    try:
        yield watched
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def linked(peer: ScriptedAmi, **how: str) -> AsyncIterator[Watched]:
    async with running(Watched(peer, **how)) as watched:  # type: ignore[arg-type]
        assert await watched.next_change() == "up"
        yield watched


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedAmi]:
    async with scripted_ami() as one:
        yield one


async def test_an_action_gets_its_own_answer(peer: ScriptedAmi) -> None:
    peer.answers["Setvar"] = lambda said: f"Response: Error\nMessage: {said['Value']}"
    async with linked(peer) as watched:
        replies = await asyncio.gather(
            *(watched.client.do(Setvar(CHANNEL, "TL_GO", str(number))) for number in range(50)),
            watched.client.do(Ping()),
        )
    assert [reply.message for reply in replies] == [*map(str, range(50)), "done"]


async def test_a_list_comes_whole(peer: ScriptedAmi) -> None:
    peer.items["CoreShowChannels"] = ["Event: CoreShowChannel\nUniqueid: 1", "Event: CoreShowChannel\nUniqueid: 2"]
    async with linked(peer) as watched:
        reply = await watched.client.do(CoreShowChannels())
    assert (reply.success, len(reply.items)) == (True, 2)


async def test_the_link_leaves_from_the_address_it_was_given(peer: ScriptedAmi) -> None:
    async with linked(peer, local="127.0.32.77"):
        assert peer.peer == "127.0.32.77"


async def test_a_cut_link_fails_the_waiting_originate_and_never_says_it_again(peer: ScriptedAmi) -> None:
    peer.answers["Originate"] = lambda _: None
    async with linked(peer) as watched:
        waiting = asyncio.create_task(watched.client.do(CALL, deadline_s=5))
        await peer.heard("Originate")
        peer.cut()
        with pytest.raises(ConnectionLost):
            await waiting
        assert "up" not in await watched.next_change()
        assert await watched.next_change() == "up"
        await watched.client.do(Ping())
    assert [action["Action"] for action in peer.actions].count("Originate") == 1


async def test_a_replay_safe_action_is_said_again_on_the_next_link(peer: ScriptedAmi) -> None:
    peer.answers["Hangup"] = lambda _: None
    async with linked(peer) as watched:
        waiting = asyncio.create_task(watched.client.do(Hangup(CHANNEL, 16), deadline_s=5))
        await peer.heard("Hangup")
        del peer.answers["Hangup"]
        peer.cut()
        assert (await waiting).success
    assert len(await peer.heard("Hangup")) == 2


async def test_without_a_link_nothing_is_sent(peer: ScriptedAmi) -> None:
    await peer.stop()
    async with running(Watched(peer)) as watched:
        await watched.next_change()
        with pytest.raises(NotReady):
            await watched.client.do(CALL)
        with pytest.raises(DeadlineExceeded, match="Setvar"):
            await watched.client.do(SetGlobal("TL_X", "1"), deadline_s=0.05)
        await peer.start()
        while await watched.next_change() != "up":
            pass
        assert watched.client.attempts_failed >= 1
    assert peer.actions[0]["Action"] == "Login"
    assert not [action for action in peer.actions if action["Action"] in {"Setvar", "Originate"}]


async def test_a_deadline_ends_the_wait_and_the_late_answer_disturbs_nobody(peer: ScriptedAmi) -> None:
    peer.answers["Setvar"] = lambda _: None
    async with linked(peer) as watched:
        with pytest.raises(DeadlineExceeded) as late:
            await watched.client.do(Setvar(CHANNEL, "TL_GO", "x"), deadline_s=0.05)
        assert late.value.deadline_s == 0.05
        (said,) = await peer.heard("Setvar")
        peer.say(f"Response: Success\nActionID: {said['ActionID']}\nMessage: late")
        assert (await watched.client.do(Hangup(CHANNEL, 16))).message == "done"
        assert watched.client.is_up


async def test_a_silent_peer_is_noticed_and_left(peer: ScriptedAmi) -> None:
    async with linked(peer) as watched:
        peer.answers["Ping"] = lambda _: None
        assert await watched.next_change() == "silent for 0.2 s"
        del peer.answers["Ping"]
        assert await watched.next_change() == "up"
    assert peer.connections == 2


async def test_a_refused_login_is_told_as_such_and_not_hammered(peer: ScriptedAmi) -> None:
    slow = Patience(1, 1, 0.05, 0.2, 0.01, 30)
    async with running(Watched(peer, secret="wrong", patience=slow)) as watched:
        assert "refused: Authentication failed" in await watched.next_change()
        assert (watched.client.auth_failures, watched.client.is_up) == (1, False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await watched.changes.get()
    assert peer.connections == 1


async def test_a_raising_subscriber_does_not_close_the_link(peer: ScriptedAmi) -> None:
    def faulty(_: Hold) -> None:
        raise ValueError("a bug")

    watched = Watched(peer)
    watched.dispatcher.subscribe(Hold, faulty)
    with capture_logs() as lines:
        async with running(watched):
            assert await watched.next_change() == "up"
            for number in range(20):
                peer.say(f"Event: Hold\nUniqueid: {number}")
            got = [(await watched.held.get()).uniqueid for _ in range(20)]
            assert (await watched.client.do(Ping())).success
    assert got == [str(number) for number in range(20)]
    assert [(line["event"], line["event_name"]) for line in lines] == [("AMI subscriber failed", "Hold")] * 20
    assert (watched.dispatcher.failures, peer.connections) == (20, 1)


async def test_a_value_that_would_begin_a_second_action_does_not_reach_the_peer(peer: ScriptedAmi) -> None:
    async with linked(peer) as watched:
        for bad in ("x\r\nAction: Originate", "x\n", "x\0"):
            with pytest.raises(LocalProtocolError):
                await watched.client.do(Setvar(CHANNEL, "TL_GO", bad))
        assert (await watched.client.do(Hangup(CHANNEL, 16))).success
    assert {action["Action"] for action in peer.actions} == {"Login", "Ping", "Hangup"}


@pytest.mark.parametrize("garbage", [b"x" * 300_000, b"Event: Hold\r\n" + b"ABC: 1\r\n" * 600 + b"\r\n"])
async def test_a_peer_that_breaks_the_protocol_is_left(peer: ScriptedAmi, garbage: bytes) -> None:
    async with linked(peer) as watched:
        peer.send(garbage)
        assert "AMI packet" in await watched.next_change()
        assert await watched.next_change() == "up"


@pytest.mark.parametrize(
    ("unsaid", "reason"), [(b"", "closed by the peer"), (b"Event: H", "closed by the peer inside a packet")]
)
async def test_a_peer_that_closes_is_told_as_such(peer: ScriptedAmi, unsaid: bytes, reason: str) -> None:
    async with linked(peer) as watched:
        peer.send(unsaid)
        peer.close()
        assert await watched.next_change() == reason


async def test_an_asterisk_that_never_finishes_booting_is_left(peer: ScriptedAmi) -> None:
    peer.answers["Login"] = lambda _: "Response: Success\nMessage: Authentication accepted"
    async with running(Watched(peer, patience=Patience(1, 0.05, 0.05, 0.2, 0.02, 0.1))) as watched:
        assert "FullyBooted" in await watched.next_change()
        del peer.answers["Login"]
        while await watched.next_change() != "up":
            pass


async def test_a_peer_that_accepts_and_says_nothing_costs_one_deadline(peer: ScriptedAmi) -> None:
    peer.answers["Login"] = lambda _: None
    async with running(Watched(peer, patience=Patience(0.1, 1, 0.05, 0.2, 0.02, 0.1))) as watched:
        assert await watched.next_change() == "no answer within 0.1 s: AMI login at fuzhou-1"


async def test_events_after_a_reconnect_reach_the_same_subscribers(peer: ScriptedAmi) -> None:
    async with linked(peer) as watched:
        peer.cut()
        await watched.next_change()
        assert await watched.next_change() == "up"
        peer.say("Event: Hold\nUniqueid: again")
        async with asyncio.timeout(5):
            assert (await watched.held.get()).uniqueid == "again"
        assert watched.client.connects == 2
