"""When memory that paintings have freed goes back to the system."""

from __future__ import annotations

from typing import Final

# It is kept for the next paintings until none was made for so long: to take it anew costs a
# painting of 512 px up to two seconds.
REST_SECONDS: Final = 60.0
# Where one is always made, for so long: what several took at once would be kept for good else, and
# every piece of it that a smaller one leaves.
KEPT_SECONDS: Final = 300.0


class FreedMemory:
    """Whether there may be some, and how long it has been kept; times are in seconds."""

    def __init__(self) -> None:
        self._busy_at: float | None = None
        self._kept_since = 0.0

    def use(self, now: float) -> None:
        """Something is painted."""
        if self._busy_at is None:
            self._kept_since = now
        self._busy_at = now

    def is_due(self, now: float) -> bool:
        """Whether it is to go back, all of it; what is freed afterwards is another one's."""
        if self._busy_at is None:
            return False
        return now - self._busy_at >= REST_SECONDS or now - self._kept_since >= KEPT_SECONDS
