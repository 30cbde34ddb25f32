"""What must be reloaded for which file, and what nodes and edges are held to."""

import pytest

from ami_bridge.actions import Reloadable
from service.edge_switch import edge_tables, methods_of
from service.node_switch import complaints, modules_of, priorities
from tests.unit.trunk_config.network import TOPOLOGY, out_of_service
from tieline.topology import TrunkState

pytestmark = pytest.mark.unit


def test_only_the_modules_of_changed_files_are_reloaded_and_the_rest_is_told() -> None:
    assert modules_of(["hold.conf", "globals.conf"]) == ((Reloadable.DIALPLAN,), ())
    assert modules_of(["queues.conf", "rtp.conf", "asterisk.conf"]) == (
        (Reloadable.QUEUES,),
        ("asterisk.conf", "rtp.conf"),
    )
    assert methods_of(["trunks.list"]) == (("permissions.addressReload",), ())
    assert methods_of(["dispatcher.list", "kamailio.cfg"]) == (("dispatcher.reload",), ("kamailio.cfg",))


def test_complaints_about_configuration_are_told_apart_from_those_about_calls() -> None:
    refused = "res_sorcery_config.c: Could not create an object of type 'endpoint' with id 'a1001' from 'pjsip.conf'"
    log = (
        f"[2026-11-21 15:15:06.147] ERROR[28] {refused}\n"
        "[2026-11-21 15:15:06.147] NOTICE[28] sorcery.c: Type 'system' is not reloadable\n"
        "[2026-11-21 15:15:06.150] WARNING[45][C-0000001f] app_dial.c: Unable to create channel of type 'PJSIP'\n"
        "[2026-11-21 15:15:06.151] WARNING[45] app_queue.c: The device state of this queue member, x, is invalid\n"
        "[2026-11-21 15:15:06.160] WARNING[28] pbx_config.c: No closing parenthesis found? 'Set(X=1'\n"
    )
    assert complaints(log) == [refused, "pbx_config.c: No closing parenthesis found? 'Set(X=1'"]


def test_priorities_are_counted_by_context_over_files() -> None:
    hold = "; hold: music\n[hold]\n; exten => s,1,NoOp()\nexten => s,1,Answer()\n same => n,Set(A=[x])\n"
    assert priorities([hold, "[general]\nstatic = yes\n[end]\nexten => s,1,Hangup()\n"]) == {"hold": 2, "end": 1}


def test_an_edge_is_held_to_the_topology() -> None:
    tables = edge_tables(out_of_service(TOPOLOGY, "tg-putian", TrunkState.BLOCKED))
    assert ("127.0.24.4", "putian:tg-putian:blocked") in tables.trunks
    assert ("127.0.24.1", "fuzhou:tg-fuzhou") in tables.trunks
    assert tables.nodes == {(1, "sip:127.0.21.1:5060"), (2, "sip:127.0.22.1:5060")}
    away = edge_tables(out_of_service(TOPOLOGY, "tg-putian")).trunks
    assert ("127.0.24.4", "putian:tg-putian:out_of_service") in away
