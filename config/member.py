"""One server of a fleet: the launcher in a process of its own, started again where it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from tied import tied

LAUNCHER = Path(__file__).resolve().parent / "serve.py"
# It is given up after so many ends within so many seconds.
ENDS_MOST = 3
ENDS_SECONDS = 600.0
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
        self._ends: deque[float] = deque(maxlen=ENDS_MOST)
        self.start()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The launcher's process."""
        return self._process.pid

    def start(self, archive: Path | None = None) -> None:
        """Starts it, with the archive of before where none is given."""
        self._archive = archive or self._archive
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

    def start_again(self) -> bool:
        """Starts one that has ended; says whether it did, which it does not again and again."""
        now = time.monotonic()
        is_given_up = len(self._ends) == ENDS_MOST and now - self._ends[0] < ENDS_SECONDS
        if is_given_up or (self._ends and now - self._ends[-1] < AGAIN_SECONDS):
            return False
        self._ends.append(now)
        self.start()
        return True

    def last_words(self) -> str:
        """The last line that it printed."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def terminate(self) -> None:
        """Asks it to end, for which it may take its time."""
        if self.exit_code is None:
            self._process.terminate()

    def stop(self) -> None:
        """Ends it."""
        self.terminate()
        try:
            self._process.wait(GRACE_SECONDS + float(self._environment["DRAIN"]))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
