"""The command line in a real terminal."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bruno import read_record

from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, paint, painting, preview, progress

# Makes the pseudo-terminal the controlling one, so that its Ctrl-C is a signal, and heeds that
# signal as in a terminal, whatever the tests themselves were started from.
TAKE_TERMINAL = "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
TAKE_TERMINAL += "signal.signal(signal.SIGINT, signal.SIG_DFL); "
TAKE_TERMINAL += "os.execv(sys.executable, [sys.executable, '-m', 'bruno', *sys.argv[1:]])"


class Terminal:
    """`bruno` on a pseudo-terminal."""

    def __init__(self, url: str, *words: str) -> None:
        self._end, ours = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *words],
            stdin=ours,
            stdout=ours,
            stderr=ours,
            start_new_session=True,
            env={**os.environ, "BRUNO_URL": url, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(ours)
        self.shown = ""

    def read_until(self, found: Callable[[str], object]) -> None:
        deadline = time.monotonic() + 20
        while not found(self.shown) and time.monotonic() < deadline:
            try:
                self.shown += os.read(self._end, 4096).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                break

    def press(self, key: bytes) -> None:
        os.write(self._end, key)

    def exit_code(self) -> int:
        self.read_until(lambda _: False)
        try:
            return self._process.wait(10)
        finally:
            os.close(self._end)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            with suppress(OSError):
                os.close(self._end)


def slow(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received))
    for step in (25, 50, 75):
        reply.say(progress(step))
        time.sleep(0.3)
    reply.say(painting(reply.received))
    reply.end()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_a_bar_with_losses_and_time_left(scripted: Scripted, folder: Folder) -> None:
    scripted.script = [slow]
    terminal = Terminal(scripted.url, "paint", "photo.jpg", "starry-night.jpg")
    assert terminal.exit_code() == 0
    shown = plain(terminal.shown)
    assert "level 1 of 1" in shown
    assert "50/100" in shown
    assert "content 0.1 · style 0.2 · 0:00:05 left" in shown
    assert "painting.png: 64 x 48, 100 steps" in shown
    assert Path("painting.png").exists()


def endless(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + progress(50) + preview(50))
    reply.wait_for_the_client_to_leave()


@pytest.mark.parametrize("command", ["paint", "batch"])
def test_ctrl_c_cancels_the_job(command: str, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [endless]
    output = "out.png" if command == "paint" else "out"
    terminal = Terminal(scripted.url, command, "photo.jpg", "starry-night.jpg", "-o", output)
    terminal.read_until(lambda shown: "50/100" in plain(shown))
    terminal.press(b"\x03")
    assert terminal.exit_code() == 130
    assert scripted.left.wait(20)
    assert "canceled" in terminal.shown
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("flags", [[], ["--watch", "--force"]])
def test_ctrl_c_keeps_the_canvas_and_says_where(
    flags: list[str], scripted: Scripted, folder: Folder
) -> None:
    if flags:
        Path("painting.png").write_bytes(b"a finished painting")
    shown = threading.Event()

    def goes_on_once_shown(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received) + progress(50) + preview(50) + progress(51))
        shown.set()
        reply.wait_for_the_client_to_leave()

    scripted.script = [goes_on_once_shown]
    terminal = Terminal(scripted.url, "paint", "photo.jpg", "starry-night.jpg", *flags)
    terminal.read_until(lambda text: "51/100" in plain(text))
    terminal.press(b"\x03")
    assert terminal.exit_code() == 130
    said = "the canvas at step 51 of 100 is kept as painting-so-far.png (64 x 48, its last preview)"
    assert said in plain(terminal.shown)
    record = read_record("painting-so-far.png")
    assert record["incomplete"].startswith("stopped at step 51 of 100")
    if flags:
        assert Path("painting.png").read_bytes() == b"a finished painting"
    else:
        assert not Path("painting.png").exists()


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 2)])
def test_a_file_that_is_there_is_asked_about(
    answer: bytes, code: int, scripted: Scripted, folder: Folder
) -> None:
    Path("painting.png").write_bytes(b"mine")
    terminal = Terminal(scripted.url, "paint", "photo.jpg", "starry-night.jpg")
    terminal.read_until(lambda text: "[y/N]" in text)
    assert "painting.png is there already. Paint over it? [y/N]" in plain(terminal.shown)
    terminal.press(answer)
    assert terminal.exit_code() == code
    assert (Path("painting.png").read_bytes() == b"mine") == (code != 0)


def test_a_batch_has_a_bar(scripted: Scripted, folder: Folder) -> None:
    scripted.script = [paint, endless]
    Path("photos").mkdir()
    for name in ("a", "b"):
        shutil.copy(folder.photo, f"photos/{name}.jpg")
    words = ["batch", "photos", "starry-night.jpg", "-o", "out", "--at-once", "1"]
    terminal = Terminal(scripted.url, *words)
    terminal.read_until(lambda text: "50/100" in plain(text))
    shown = plain(terminal.shown)
    assert re.search(r"paintings .* 1/2", shown)
    assert re.search(r"b--starry-night.png · level 1 of 1 .* 50/100", shown)
    assert "1 of 2: out/a--starry-night.png" in shown
    terminal.press(b"\x03")
    assert terminal.exit_code() == 130
    assert [path.name for path in Path("out").iterdir()] == ["a--starry-night.png"]
