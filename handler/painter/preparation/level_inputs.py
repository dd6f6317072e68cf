"""What the targets of a level are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from painter.canvas.layout import Shift
from painter.evaluation.levels import all_shifts_of, shifts_of
from painter.network.pass_config import PassConfig
from painter.network.vgg import VGG19
from painter.planning.plan import Plan
from painter.planning.pyramid import Shape
from painter.preparation.style_cache import StyleCache


@dataclass(frozen=True, slots=True)
class LevelInputs:
    """A level of a plan with canvases of a shape, and the passes that its pictures are seen in."""

    plan: Plan
    shape: Shape
    vgg: VGG19
    cache: StyleCache
    config: PassConfig

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """Those that the level's steps by this network go through."""
        return shifts_of(self.plan, self.vgg.condenses, self.config.is_condensed)

    @property
    def all_shifts(self) -> tuple[Shift, ...]:
        """Those that the level's steps go through by any network."""
        return all_shifts_of(self.plan, self.vgg.condenses)

    @property
    def pass_key(self) -> tuple[object, ...]:
        """All that features depend on beside pixels and tap."""
        return replace(self.config, taps=frozenset()), self.vgg.digest

    def with_taps(self, taps: Iterable[str]) -> LevelInputs:
        """The same, seen at other taps."""
        return replace(self, config=self.config.with_taps(taps))
