"""The configuration under calls: a trunk group drains, and what Asterisk refuses is rolled back with nobody hurt."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lab.calls import RunResult
from lab.sandbox import Sandbox
from lab.scripts import HangUp, IsRefused, Pause
from service.cli import main
from service.conf_files import changed_files
from service.render import render_in_memory
from tests.live.house import House
from tieline import bus
from tieline.model import Business, Outcome
from tieline.settings import load_settings
from trunk_config import render
from trunk_config.edge_rpc import maybe_refused

pytestmark = pytest.mark.live


def run(lab: House, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a command with --json."""
    done = CliRunner().invoke(main, [*words, "--why", "test", "--json", "--settings", str(lab.plan.settings_file)])
    return done.exit_code, json.loads(done.stdout)


class Talk:
    """A call that talks while something else is tried."""

    def __init__(self, lab: House, city: str, talk_ms: int) -> None:
        self._lab = lab
        self._result: list[RunResult] = []
        script = lab.script(city, "mandarin", Business.REPAIR, Pause(talk_ms), HangUp())
        self._thread = threading.Thread(target=lambda: self._result.append(lab.call(city, script)))

    def begin(self, site: str) -> None:
        self._thread.start()
        self._lab.wait_for(site, lambda event: isinstance(event, bus.AgentAnswered))

    def end(self) -> RunResult:
        self._thread.join()
        return self._result[0]


def wait_for_access(lab: House, site: str, city: str, lines: bytes) -> None:
    """Wait until the site decides by so many lines at most."""
    while lab.run(lab.lives[lab.plan.topology.sites[site].id].call("HGET", "tl:quota", f"c:{city}")) != lines:  # type: ignore[index]
        lab.wait_for_news()


def test_a_blocked_trunk_group_drains_and_the_others_serve(lab: House) -> None:
    talk = Talk(lab, "putian", 9000)
    talk.begin("fuzhou")
    code, told = run(lab, "trunk", "block", "tg-putian")
    assert (code, told["refused"], told["not_told"], told["not_audited"]) == (0, [], [], "")
    refused = lab.call("putian", IsRefused(503, 34))
    assert refused.is_scripted, refused.faults
    assert lab.run(maybe_refused(lab.plan.topology.edges)) == {"tg-putian": 1}
    while not (accounted := [one for one in lab.edge() if one.sip_code == 503]):  # the edge writes a moment later
        lab.wait_for_news()
    assert [(one.city, one.site, one.cause) for one in accounted] == [("putian", "-", 34)]
    served = lab.call("xiamen", lab.script("xiamen"))
    assert served.is_scripted, served.faults
    wait_for_access(lab, "fuzhou", "putian", b"0")
    code, _ = run(lab, "trunk", "unblock", "tg-putian")
    assert code == 0
    wait_for_access(lab, "fuzhou", "putian", b"60")
    again = lab.call("putian", lab.script("putian"))
    assert again.is_scripted, again.faults
    went_on = talk.end()
    assert went_on.is_scripted, went_on.faults
    lab.settle(calls=3)
    books = lab.books()
    assert (books.imbalances, books.sites["-"].count(Outcome.REFUSED)) == ((), 1)


def test_what_asterisk_refuses_is_rolled_back_and_calls_go_on(
    lab: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty = tmp_path / "asterisk-conf"
    shutil.copytree(render.TEMPLATES, faulty)
    template = faulty / "base/pjsip.conf.j2"
    template.write_text(template.read_text().replace("device_state_busy_at = 1", "device_state_busy_at = soon"))
    talk = Talk(lab, "putian", 9000)
    talk.begin("fuzhou")
    with monkeypatch.context() as patched:
        patched.setattr(render, "TEMPLATES", faulty)
        code, told = run(lab, "conf", "apply")
    assert (code, told["rolled_back"]) == (1, True), told
    assert any("fuzhou-1: res_sorcery_config.c: Could not create" in what for what in told["refused"]), told
    assert changed_files(render_in_memory(load_settings(lab.plan.settings_file, {}))) == []
    served = lab.call("putian", lab.script("putian"))
    assert served.is_scripted, served.faults
    went_on = talk.end()
    assert went_on.is_scripted, went_on.faults
    lab.settle(calls=2)


def test_a_kamailio_cfg_that_kamailio_refuses_is_not_even_put_in_place(
    lab: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty = tmp_path / "asterisk-conf"
    shutil.copytree(render.TEMPLATES, faulty)
    template = faulty / "edge/kamailio.cfg.j2"
    template.write_text(template.read_text().replace("route(TRUNK);", "route(TRUNK;"))
    words = Sandbox(lab.plan.root, readable=(lab.plan.state,)).command(("kamailio",))
    program = tmp_path / "bin/kamailio"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/sbin:/usr/bin:/sbin:/bin")
    with monkeypatch.context() as patched:
        patched.setattr(render, "TEMPLATES", faulty)
        code, told = run(lab, "conf", "apply")
    assert (code, told["rolled_back"], told["changed"]) == (1, None, ["edge-1/kamailio.cfg"]), told
    assert "syntax error" in told["refused"][0]
    assert changed_files(render_in_memory(load_settings(lab.plan.settings_file, {}))) == []
