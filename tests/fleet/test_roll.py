"""A fleet whose servers only say what they do: how they are replaced, and how it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from programs import needs

import fleet as fleet_module
import member as member_module
from fleet import Fleet
from fleet_settings import FleetSettings
from gateway_settings import GatewaySettings
from serving import find_port
from settings import StartError
from three_servers import until

pytestmark = needs("haproxy")

# Describes itself as its file says, is slow to start, and tells when it listens.
LAUNCHER = """
import http.server, json, os, pathlib, time
here, port = pathlib.Path(__file__).parent, os.environ["PORT"]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        running = int((here / f"running-{port}").read_text())
        told = {"health": "ready", "running": running, "waiting": 0}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

time.sleep(1)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
with (here / "listening").open("a") as file:
    file.write(f"{os.getpid()}\\n")
server.serve_forever()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers are told what to say, and tell that they listen."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def two(folder: Path) -> Iterator[Fleet]:
    (folder / "launcher.py").write_text(LAUNCHER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(member_module, "LAUNCHER", folder / "launcher.py")
        patch.setattr(member_module, "AGAIN_SECONDS", 0.0)
        settings = FleetSettings(GatewaySettings(find_port(3), ""), 2, "asgi", drain="0")
        for address in settings.addresses:
            (folder / f"running-{address.rpartition(':')[2]}").write_text("0")
        made = Fleet(settings)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def fleet(two: Fleet, folder: Path) -> Fleet:
    """Two servers which are ready and paint nothing."""
    (folder / "launcher.py").write_text(LAUNCHER)
    for number, address in enumerate(two.settings.addresses):
        paints(two, folder, number, 0)
        two.gateway.ask(f"set server fleet/{address} state ready")
    two.look_after()
    two.wait_until_ready()
    return two


def paints(fleet: Fleet, folder: Path, number: int, running: int) -> None:
    """Has a server say that it paints so many."""
    port = fleet.settings.addresses[number].rpartition(":")[2]
    written = folder / "written"
    written.write_text(str(running))
    written.replace(folder / f"running-{port}")


def test_one_that_paints_is_left_alone_and_another_that_ends_is_started_again(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = fleet.members
    before, ended = first.pid, second.pid
    asked = said(monkeypatch)
    # The gateway sees nothing of it, as after a reload.
    paints(fleet, folder, 0, 1)

    def meddle() -> None:
        try:
            until(lambda: len(asked) >= 2)
            os.kill(ended, signal.SIGKILL)
            until(lambda: second.pid != ended)
            assert first.pid == before
        finally:
            paints(fleet, folder, 0, 0)

    # Here, since servers end with the thread that has started them.
    with ThreadPoolExecutor(1) as pool:
        meddled = pool.submit(meddle)
        fleet.replace(0)
        meddled.result()
    assert first.pid != before
    # Not before it listens is it ready.
    assert str(first.pid) in (folder / "listening").read_text().split()


def said(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What servers say of whether they have nothing to do, from now on."""
    told = list[bool]()
    is_idle = member_module.Member.is_idle

    def asks(self: member_module.Member) -> bool:
        told.append(is_idle(self))
        return told[-1]

    monkeypatch.setattr(member_module.Member, "is_idle", asks)
    return told


def test_a_fleet_that_is_to_stop_replaces_nothing_more(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    before = [member.pid for member in fleet.members]
    rolling, stopping, asked = Event(), Event(), said(monkeypatch)
    rolling.set()
    paints(fleet, folder, 0, 1)

    def stop() -> None:
        until(lambda: asked)
        stopping.set()

    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(stop)
        fleet_module._heed(fleet, rolling, Event(), stopping)
        stopped.result()
    assert [member.pid for member in fleet.members] == before
    assert "replaced" not in capfd.readouterr().out


def test_a_version_that_does_not_start_ends_the_roll(fleet: Fleet, folder: Path) -> None:
    (folder / "launcher.py").write_text("print('no weights')")
    with pytest.raises(StartError, match="new server 0 is not ready: no weights"):
        fleet.replace(0)
    assert not fleet.members[1].has_ended


def test_a_gateway_alone_waits_for_no_server() -> None:
    told = {"SERVERS": "127.0.0.1:9", "BRUNO_TOKEN": "a-token-of-my-own", "PORT": str(find_port())}
    command = [sys.executable, fleet_module.__file__]
    with subprocess.Popen(
        command, env={**os.environ, **told}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        printed = ""
        while "Ctrl-C" not in printed:
            printed += process.stdout.readline()
        process.terminate()
        rest = process.stdout.read()
    assert (process.returncode, rest.strip()) == (0, "stopping")
    assert "before 127.0.0.1:9" in printed
    assert "ready to paint" not in printed


def test_a_fleet_that_is_stopped_while_it_starts_announces_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Started(Fleet):
        def wait_until_ready(self, *_: Any, stopping: Event | None = None, **__: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopping
            stopping.wait(60)

    monkeypatch.setattr(fleet_module, "Fleet", Started)
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    handlers = {name: signal.getsignal(name) for name in names}
    try:
        assert fleet_module.serve(FleetSettings(GatewaySettings(find_port(), ""))) == 0
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
    assert capsys.readouterr().out.splitlines()[1:] == ["stopping"]
