"""Fixtures of the studio's tests: a scripted server, the studio as a program, a browser."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Reply, Scripted, paint

from bruno import Bruno
from serve import RunningServer

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTO, STYLE = EXAMPLES / "photo.jpg", EXAMPLES / "style.png"
REQUIRE = "BRUNO_REQUIRE_BROWSER"
# Without these Chromium calls home at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def scripted_once() -> Iterator[Scripted]:
    with Scripted() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def scripted(scripted_once: Scripted, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The scripted server that all tests share, with nothing scripted and nothing received."""
    monkeypatch.setattr("bruno.protocol.retries.FIRST_PAUSE", 0.01)
    scripted_once.script = []
    scripted_once.requests = []
    scripted_once.begun, scripted_once.left = threading.Event(), threading.Event()
    return scripted_once


@pytest.fixture(scope="session")
def server(torchserve: RunningServer) -> RunningServer:
    """The contract's tests run against both servers; here one is enough, and half the time."""
    return torchserve


@pytest.fixture
def client(scripted: Scripted) -> Bruno:
    return Bruno(scripted.url, timeout=(2, 2))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; the tests are skipped, or fail where it is required, without one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        refuse = pytest.fail if os.environ.get(REQUIRE) == "1" else pytest.skip
        refuse("no Chromium: install it (apt-get install chromium) to test the studio's page")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield chromium
        chromium.close()


class Visit:
    """A visitor's page, and the addresses that it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: set[str] = set()
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def bring(self, photo: Path = PHOTO, *styles: Path) -> None:
        """Uploads the pictures and waits for them to be shown."""
        self.page.locator("#photo input[type=file]").set_input_files(photo)
        self.page.locator("#photo img").wait_for()
        self.page.locator("#styles input[type=file]").set_input_files(list(styles or (STYLE,)))
        self.page.locator("#styles img").first.wait_for()

    def set(self, **options: float) -> None:
        """Types numbers into dials."""
        for name, value in options.items():
            self.page.fill(f"#{name}", str(value))
            self.page.press(f"#{name}", "Tab")

    def load(self, painting: Path) -> None:
        """Loads the settings of a painting."""
        with self.page.expect_file_chooser() as asked:
            self.page.click("#load")
        asked.value.set_files(painting)

    def paint(self) -> None:
        self.page.click("#paint")

    def leave(self) -> None:
        """Stops what is painted: the studio would try again, into the next test's requests."""
        if self.page.locator("#stop").count():
            # In one go: it may be done meanwhile, and the button disabled.
            self.page.evaluate("document.querySelector('#stop:enabled')?.click()")
            self.page.locator("#stop:disabled").wait_for()

    def wait_for_status(self, words: str, seconds: float = 60) -> str:
        """The status line, once it has these words."""
        line = self.page.locator("#said").filter(has_text=words)
        line.wait_for(timeout=1000 * seconds)
        return str(line.inner_text())

    def wait_for_server(self, words: str) -> str:
        line = self.page.locator("#server").filter(has_text=words)
        line.wait_for(timeout=20000)
        return str(line.inner_text())


@contextmanager
def studio(*flags: str, **variables: str) -> Iterator[str]:
    """`bruno studio` as people start it; yields its address and ends it with Ctrl-C's signal."""
    port = str(free_port())
    command = [sys.executable, "-m", "bruno", "studio", "--port", port, *flags]
    environment = {name: value for name, value in os.environ.items() if "BRUNO" not in name}
    environment |= variables
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        try:
            assert program.stdout
            assert "The studio is at" in program.stdout.readline()
            yield f"http://127.0.0.1:{port}/"
        finally:
            program.terminate()
            assert program.wait(20) == 0


def free_port() -> int:
    """A port below those that the system gives to connections, so that none of these takes it."""
    for port in random.sample(range(20000, 32000), 20):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail("no free port was found")


@pytest.fixture(scope="session")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the studio keeps paintings that were fetched."""
    return tmp_path_factory.mktemp("museum")


@pytest.fixture(scope="session")
def studio_once(browser: Any, scripted_once: Scripted, museum: Path) -> Iterator[str]:
    # Nothing is fetched from the internet: the way there is a proxy that is not there.
    elsewhere = {"BRUNO_CACHE": str(museum), "HTTPS_PROXY": "http://127.0.0.1:9"}
    with studio("--url", scripted_once.url, **elsewhere) as served:
        yield served


@pytest.fixture
def address(studio_once: str, scripted: Scripted) -> str:
    """The studio that all tests of its page share: every visitor has a browser of its own."""
    return studio_once


def scripted_painting(scripted: Scripted, script: Any) -> None:
    """The first painting follows the script; what the page asks before is answered as ever."""

    def either(reply: Reply) -> None:
        if reply.received.content_type == "application/json":
            scripted.script.insert(0, either)
            paint(reply)
        else:
            script(reply)

    scripted.script.append(either)


def paintings(scripted: Scripted) -> list[dict[str, bytes]]:
    """The fields of all paintings asked for: the page also asks for a description."""
    return [one.fields for one in scripted.requests if "content" in one.fields]


def painted(scripted: Scripted) -> dict[str, bytes]:
    """The fields of the last painting that was asked for."""
    return paintings(scripted)[-1]


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(browser: Any) -> Iterator[Visiting]:
    """Opens a page for a visitor; in the end it must have asked nobody but the studio."""
    with ExitStack() as stack:
        visits: list[tuple[str, Visit]] = []

        def open_page(address: str, width: int = 1440, height: int = 1000, **how: Any) -> Visit:
            size = {"width": width, "height": height}
            context = stack.enter_context(browser.new_context(viewport=size, **how))
            visited = Visit(context.new_page())
            visits.append((address, visited))
            visited.page.goto(address)
            visited.page.locator("#paint").wait_for()
            return visited

        yield open_page
        for address, visited in visits:
            visited.leave()
            assert visited.errors == []
            assert visited.asked
            elsewhere = [url for url in visited.asked if not url.startswith((address, "data:"))]
            assert [url for url in elsewhere if not url.startswith("blob:" + address)] == []
