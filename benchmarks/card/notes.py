"""What a section writes down: each measurement by itself, so that one's failure is its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from card.device import Device, NeedsCard
from card.graphs import CaptureBroke, NotCapturable
from card.settings import Share
from card.store import Store


class Broken(Exception):
    """This process can measure no more on the device; a new one can."""


class Notes:
    """One section of a store, within its share of time."""

    def __init__(self, store: Store, section: str, share: Share, device: Device) -> None:
        self.share = share
        self._store = store
        self._section = section
        self._device = device
        self._entry = store.begin(section)

    @property
    def found(self) -> dict[str, Any]:
        """What was measured so far."""
        found: dict[str, Any] = self._entry["found"]
        return found

    def take(self, name: str, measure: Callable[[], Any]) -> Any:
        """What a measurement gives, kept under its name at once.

        None where it fails, which is noted, where no time is left for it, and where it needs
        a card and there is none. Raises Broken where nothing can be measured after it; what was
        tried before that is not tried again in the next process.
        """
        if name in self.found or name in self._entry["failures"]:
            return self.found.get(name)
        if self.share.left <= 0:
            self.leave_out(name, "no time was left")
            return None
        self._store.run_on(self._section, name)
        try:
            found = measure()
        except (NeedsCard, NotCapturable) as error:
            self.leave_out(name, str(error))
            return None
        except Broken:
            raise  # of a measurement within this one
        except Exception as error:
            self._store.fail(self._section, name, error)
            broke = isinstance(error, CaptureBroke)
        else:
            self.found[name] = found
            self._store.save()
            return found
        # Only now does no traceback hold what the measurement had.
        self._device.give_back()
        if broke or not self._device.is_alive():
            raise Broken(name)
        return None

    def leave_out(self, name: str, reason: str) -> None:
        """Notes what was not measured, and why."""
        self._entry["left_out"][name] = reason
        self._store.save()
