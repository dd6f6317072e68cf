"""One server of a fleet: the launcher in a process of its own, started again where it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from readiness import ask
from settings import read_settings
from supervisor import RESTARTS_MOST, WITHIN_SECONDS, Restarts
from tied import tied

LAUNCHER = Path(__file__).resolve().parent / "serve.py"
# One that ends at once is not started again before so many seconds after its start.
AGAIN_SECONDS = 5.0
# The launcher ends what it started in less than this, beside the time that DRAIN gives.
GRACE_SECONDS = 30.0


class Member:
    """Runs `serve.py` with an environment; what it prints goes into a log."""

    def __init__(
        self, environment: Mapping[str, str], log: Path, archive: Path | None = None
    ) -> None:
        self._environment = {**os.environ, **environment}
        self._log = log
        self._archive = archive
        self._restarts = Restarts()
        self._is_given_up = False
        self.start()

    @property
    def has_ended(self) -> bool:
        """Whether its process is over."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The launcher's process."""
        return self._process.pid

    def start(self, archive: Path | None = None) -> None:
        """Starts it, with the archive of before where none is given."""
        self._archive = archive or self._archive
        self._started = time.monotonic()
        asked = ["--archive", str(self._archive)] if self._archive else []
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                tied([sys.executable, str(LAUNCHER), *asked]),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def mend(self) -> str:
        """Starts it again where it has ended; what there is to tell of that, once, or nothing."""
        if not self.has_ended or time.monotonic() - self._started < AGAIN_SECONDS:
            return ""
        number = self._restarts.try_one()
        if number is None and self._is_given_up:
            return ""
        words, self._is_given_up = self.last_words(), number is None
        if number is None:
            within = f"{RESTARTS_MOST} restarts in {WITHIN_SECONDS / 60:.0f} minutes"
            return f"ended and is given up for now, after {within}: {words}"
        self.start()
        return f"ended and is started again ({number} of {RESTARTS_MOST}): {words}"

    def is_idle(self) -> bool:
        """Whether it says that it paints nothing, and that nobody waits for it."""
        own = read_settings(self._environment)
        told = ask(f"{own.url}/predictions/bruno", own.token, {"describe": True})
        return bool(told) and told["running"] + told["waiting"] == 0

    def last_words(self) -> str:
        """The last line that it printed."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def terminate(self) -> None:
        """Asks it to end, for which it may take its time."""
        if not self.has_ended:
            self._process.terminate()

    def stop(self) -> None:
        """Ends it."""
        self.terminate()
        try:
            self._process.wait(GRACE_SECONDS + float(self._environment["DRAIN"]))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
