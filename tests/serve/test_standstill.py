"""What stands still is ended, and what runs, is not asked or has never answered is let be."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace

import psutil
import pytest

import standstill
from settings import Settings
from standstill import LOOKS, Standstill, processor_time


@dataclass
class Asker:
    """A watchdog that a test leads: asked again when `ask_soon` is called."""

    answered: float
    is_asking: bool = False

    def ask_soon(self) -> None:
        self.is_asking = True


@pytest.fixture(autouse=True)
def looked_at_by_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "LOOK_EVERY", 1e6)


@pytest.fixture
def start() -> Iterator[Callable[[str], psutil.Process]]:
    """Starts Python with a program, which says when it is there."""
    with ExitStack() as stack:

        def start(program: str) -> psutil.Process:
            command = [sys.executable, "-c", f"print(flush=True); {program}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            return psutil.Process(process.pid)

        yield start


@pytest.fixture
def stopped(start) -> psutil.Process:
    """A process that stands still."""
    process = start("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    return process


def looking_at(process: psutil.Process, asker: Asker, said: list[str]) -> Standstill:
    server = SimpleNamespace(first=process, settings=Settings(server="asgi"))
    return Standstill(server, asker, said.append)  # type: ignore[arg-type]


def test_what_has_no_processor_time_while_it_is_asked_is_ended(stopped) -> None:
    said = list[str]()
    asker = Asker(answered=float("inf"))
    looks = looking_at(stopped, asker, said)
    looks.look()
    assert not asker.is_asking
    looks.look()
    assert asker.is_asking
    for _ in range(LOOKS - 1):
        looks.look()
    assert said == []
    looks.look()
    assert stopped.wait(60) == -signal.SIGKILL
    assert said == ["Uvicorn was asked and had no processor time for 3 s: it is killed"]


def test_an_answer_has_it_counted_anew(stopped) -> None:
    said = list[str]()
    asker = Asker(answered=1e12)
    looks = looking_at(stopped, asker, said)
    for turn in range(3):
        for _ in range(LOOKS):
            looks.look()
        asker.answered += 1
        asker.is_asking = bool(turn % 2)
    assert (said, stopped.status()) == ([], psutil.STATUS_STOPPED)


def test_what_runs_is_let_be_however_long_it_says_nothing(start) -> None:
    process, said = start("[0 for _ in iter(int, 1)]"), list[str]()
    looks = looking_at(process, Asker(answered=1e12, is_asking=True), said)
    for _ in range(LOOKS * 3):
        before = processor_time(process)
        while processor_time(process) == before:
            time.sleep(0.001)
        looks.look()
    assert (said, process.is_running()) == ([], True)


def test_what_came_later_and_has_not_answered_yet_is_asked_and_let_be(start, stopped) -> None:
    said = list[str]()
    asker = Asker(answered=0.0)
    looks = looking_at(start("import time; time.sleep(1e6)"), asker, said)
    looks._server.first = stopped
    for _ in range(LOOKS * 3):
        looks.look()
    assert (said, stopped.status(), asker.is_asking) == ([], psutil.STATUS_STOPPED, True)
