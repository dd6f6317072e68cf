"""What a section measures with: device, extent, and what is made of the engine at first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from card.device import Device
from card.extent import Extent
from card.pictures import Pictures, example_pictures

if TYPE_CHECKING:
    from painter.engine.painter import Painter


@dataclass
class Bench:
    """One process's means to measure; where the engine does not load, only its users fail.

    `peers` has the wheels of those that are at hand, by their names.
    """

    device: Device
    extent: Extent
    weights: Path
    scratch: Path
    peers: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def painter(self) -> Painter:
        """The engine on the device, warmed up."""
        from card.engine import painter_on

        painter = painter_on(self.device.where, self.weights)
        painter.warm_up()
        return painter

    @cached_property
    def replaying_painter(self) -> Painter:
        """The engine as with `GRAPHS=on`: fused kernels in graphs; raises NeedsCard on the CPU."""
        from card.engine import painter_on

        self.device.need_card()
        return painter_on(self.device.where, self.weights, graphs=True)

    @cached_property
    def replaying_plain_painter(self) -> Painter:
        """The same with graphs of the plain code; raises NeedsCard on the CPU."""
        from card.engine import without_fusing

        return without_fusing(self.replaying_painter)

    @cached_property
    def pictures(self) -> Pictures:
        """What is painted."""
        return example_pictures(self.extent.picture)
