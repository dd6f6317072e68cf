"""Who holds how much memory, so that whatever begins has room beside all that is there."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bytes:
    """Memory on the host and on the device; on the CPU both are the same memory."""

    host: int = 0
    device: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.host + other.host, self.device + other.device)

    def __sub__(self, other: Bytes) -> Bytes:
        return Bytes(self.host - other.host, self.device - other.device)


class Ledger:
    """A budget, and what is held of it; any thread may hold and release.

    `device` is None where the device's memory is the host's.
    """

    def __init__(self, host: int, device: int | None) -> None:
        self._host = host
        self._device = device
        self._lock = threading.Lock()
        self.held = Bytes()

    def missing(self, wanted: Bytes) -> tuple[int, int] | None:
        """What would be needed and what there is, where it would not even fit alone."""
        if self._device is None:
            needs = [(wanted.host + wanted.device, self._host)]
        else:
            needs = [(wanted.host, self._host), (wanted.device, self._device)]
        return next((need for need in needs if need[0] > need[1]), None)

    def hold(self, wanted: Bytes) -> Hold:
        """Holds what is there already, whatever the budget says."""
        with self._lock:
            self.held += wanted
        return Hold(self, wanted)

    def try_hold(self, wanted: Bytes, instead: Hold) -> Hold | None:
        """Holds what is wanted in place of another hold, or changes nothing and gives None."""
        with self._lock:
            after = self.held - instead.bytes + wanted
            if self.missing(after):
                return None
            self.held, instead.bytes = after, Bytes()
        return Hold(self, wanted)

    def release(self, hold: Hold) -> None:
        """Takes back what a hold holds."""
        with self._lock:
            self.held, hold.bytes = self.held - hold.bytes, Bytes()


class Hold:
    """A part of a ledger's budget, until it is released."""

    def __init__(self, ledger: Ledger, bytes: Bytes) -> None:
        self.bytes = bytes
        self._ledger = ledger

    def release(self, *_: object) -> None:
        """Gives it back, once; fit to be called when a future is done."""
        self._ledger.release(self)
