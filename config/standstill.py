"""End a process of a server that stands still: it is asked, and has no processor time at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from server_process import ServerProcess
from settings import SERVERS
from watchdog import Watchdog

# What is looked at wakes by itself at least as often, idle too: Python's `bruno_service.process`
# once a second, Java's clock twenty times. To be without processor time once is odd already.
LOOK_EVERY = 1.0
# So often in a row, beside a question that waits for its answer. Whoever starves, is swapped out
# or waits for a disk has some meanwhile: a thousandth of a core is 3 ms, and a nanosecond counts.
# Looks, not seconds: what holds this process up as well is one long look and no more.
LOOKS = 3


@dataclass
class Looked:
    """What is known of a process that is looked at `since` a time, `mark` of its last look."""

    since: float
    mark: object = None
    still: int = 0


class Standstill:
    """Looks at the processes of a server that is ready, in a thread of its own.

    It tells `say` of those it ends; who started them starts them anew. One that has not answered
    yet is let be: it may wait for its disk, and other clocks run for it.
    """

    def __init__(
        self, server: ServerProcess, watchdog: Watchdog, say: Callable[[str], None]
    ) -> None:
        self._server, self._watchdog, self._say = server, watchdog, say
        self._looked: dict[psutil.Process, Looked] = {}
        with suppress(psutil.Error):
            self._looked = {each: Looked(watchdog.answered) for each in self._found()}
        threading.Thread(target=self._watch, name="standstill", daemon=True).start()

    def look(self) -> None:
        """Looks once at each process, and ends those that have stood still for long enough."""
        found, now = self._found(), time.monotonic()
        self._looked = {each: self._looked.get(each, Looked(now)) for each in found}
        for process, looked in self._looked.items():
            if looked.since > self._watchdog.answered:
                self._watchdog.ask_soon()
            elif self._stands_still(process, looked):
                name = found[process]
                self._say(f"{name} was asked and had no processor time for {LOOKS} s: it is killed")
                process.kill()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            # It has ended meanwhile, or the system has no file left to read it by.
            with suppress(psutil.Error, OSError):
                self.look()

    def _stands_still(self, process: psutil.Process, looked: Looked) -> bool:
        mark = processor_time(process), self._watchdog.answered
        if mark != looked.mark:
            looked.mark, looked.still = mark, 0
        elif self._watchdog.is_asking:
            looked.still += 1
        else:
            self._watchdog.ask_soon()
        return looked.still >= LOOKS

    def _found(self) -> dict[psutil.Process, str]:
        """The first process, and TorchServe's worker, by their names for people."""
        first, kind = self._server.first, self._server.settings.server
        found = {first: SERVERS[kind]}
        if kind == "torchserve":
            known = (each for each in self._looked if each != first and each.is_running())
            worker = next(known, None) or next(filter(_paints, first.children()), None)
            if worker:
                found[worker] = f"{SERVERS[kind]}'s worker"
        return found


def processor_time(process: psutil.Process) -> object:
    """What differs once any thread of a process has run: of a nanosecond where Linux tells it."""
    files = sorted(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    return process.cpu_times(), [file.read_text() for file in files]


def _paints(process: psutil.Process) -> bool:
    return any(word.endswith("model_service_worker.py") for word in process.cmdline())
