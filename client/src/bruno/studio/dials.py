"""How the dials stood before: what can be undone and redone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Values = Mapping[str, Any]

_MOST: Final = 100
# A slider that is drawn passes many stops: they are one turn.
_ONE_TURN_SECONDS: Final = 0.8


@dataclass
class Dials:
    """One visitor's dials as they stand, with what was before and what was undone."""

    now: Values | None = None
    _past: list[Values] = field(default_factory=list)
    _undone: list[Values] = field(default_factory=list)
    _turned: tuple[str, ...] = ()
    _when: float = 0.0

    @property
    def can_undo(self) -> bool:
        """Whether something can be taken back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return bool(self._undone)

    @property
    def last(self) -> tuple[str, ...]:
        """The names of the dials that an undo would turn."""
        if not self._past or self.now is None:
            return ()
        before = self._past[-1]
        return tuple(name for name in self.now if self.now[name] != before.get(name))

    def show(self, values: Values, when: float) -> None:
        """Notes how the dials stand, at a time in seconds; the same again changes nothing."""
        # What is empty is None or "", as the kind of control has it.
        standing = {name: None if value == "" else value for name, value in values.items()}
        if self.now is None:
            self.now = standing
        turned = tuple(name for name in standing if standing[name] != self.now.get(name))
        if not turned:
            return
        goes_on = turned == self._turned and when - self._when < _ONE_TURN_SECONDS
        if not (goes_on and self._past):
            self._past = [*self._past, self.now][-_MOST:]
        self._undone, self._turned, self._when = [], turned, when
        self.now = standing

    def undo(self) -> Values | None:
        """The dials before the last turn; None where there was none."""
        return self._go(self._past, self._undone)

    def redo(self) -> Values | None:
        """The dials before the last undo; None where there was none."""
        return self._go(self._undone, self._past)

    def _go(self, there: list[Values], back: list[Values]) -> Values | None:
        if not there or self.now is None:
            return None
        back.append(self.now)
        self.now, self._turned = there.pop(), ()
        return self.now
