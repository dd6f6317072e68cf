"""Keep a server going: one that ends, stands still or answers nothing is started again."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Event

from readiness import Stopped, last_words, wait_until_ready
from server_process import ServerProcess
from settings import SERVERS, Settings, StartError
from standstill import Standstill
from watchdog import LOST_SECONDS, Watchdog

POLL_SECONDS = 0.2
RESTARTS_MOST = 3
WITHIN_SECONDS = 600.0
READY_SECONDS = 300.0


class Restarts:
    """How often something was started again lately: three times in ten minutes, and no more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def try_one(self) -> int | None:
        """The number of this restart among the last ten minutes', None where it is one too many."""
        now = self._clock()
        while self._times and now - self._times[0] >= WITHIN_SECONDS:
            self._times.popleft()
        if len(self._times) >= RESTARTS_MOST:
            return None
        self._times.append(now)
        return len(self._times)


def keep_going(process: ServerProcess, settings: Settings, token: str, stopping: Event) -> int:
    """Returns 0 when it is to stop, 1 where it cannot be kept going."""
    watchdog, restarts = Watchdog(settings.url, token), Restarts()
    Standstill(process, watchdog, _say)
    while not stopping.wait(POLL_SECONDS):
        why = _what_is_wrong(process, settings, watchdog)
        if why is None:
            continue
        number = restarts.try_one()
        if number is None:
            _say(f"{why}, after {RESTARTS_MOST} restarts in {WITHIN_SECONDS / 60:.0f} minutes")
            return 1
        _say(f"{why}: starting it again ({number} of {RESTARTS_MOST})")
        process.start_again()
        try:
            watchdog.begin_anew(wait_until_ready(process, settings, READY_SECONDS, stopping))
            _say("it is ready to paint again")
        except Stopped:
            return 0
        except StartError as error:
            _say(str(error))
            process.kill()
    return 0


def _what_is_wrong(process: ServerProcess, settings: Settings, watchdog: Watchdog) -> str | None:
    name = SERVERS[settings.server]
    if process.exit_code is not None:
        reason = last_words(process, "process", "server")
        return f"{name} ended with {process.exit_code}: {reason}"
    if watchdog.is_lost:
        return f"{name} answered nothing for {LOST_SECONDS:.0f} s"
    return None


def _say(sentence: str) -> None:
    print(f"make serve: {sentence}", file=sys.stderr, flush=True)
