"""A worker whom no signal reaches is told by a file that it is to drain, and tells when it has."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

from bruno_service.service import STOPPING, Service
from bruno_service.session import Session


class Drain:
    """Follows the file that BRUNO_DRAIN_FILE names, which holds the time when patience ends.

    The time is that of `time.monotonic`, which the processes of a machine share. Once nothing is
    held any more, a file beside it says so, whose name ends in `.done`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        path = os.environ.get("BRUNO_DRAIN_FILE")
        self._file = Path(path) if path else None
        self._was_empty = False

    def follow(self, sessions: Collection[Session]) -> None:
        """Has the service drain where that is asked for; to be called about once a second."""
        if self._file is None or not self._file.exists():
            return
        if not self._service.is_draining:
            self._service.drain()
        if time.monotonic() >= float(self._file.read_text()):
            self._service.interrupt(sessions, STOPPING)
        # What a call has taken may be on its way still, until the next round.
        if not sessions and self._was_empty:
            self._file.with_suffix(".done").touch()
        self._was_empty = not sessions
