"""How a pass through the network is run, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import Tensor

from painter.network.layers import CONVOLUTIONS_PER_BLOCK, depth_of
from painter.network.pooling import Pooling

_POOLS_AFTER: Final = {
    f"conv{block}_{count}" for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, start=1)
}


@dataclass(slots=True)
class Trace:
    """One forward pass: the features at the taps, and what the backward pass needs.

    `signs` has, for each ReLU, something that is positive where it let its input through; or
    None where only maxima went on, whose signs the pooling knows.
    """

    taps: dict[str, Tensor] = field(default_factory=dict)
    signs: list[Tensor | None] = field(default_factory=list)
    pools: list[Pooling] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PassConfig:
    """How a pass is run; canvases that agree in it may share one.

    `is_condensed`: by the condensed network, which sees almost the same.
    """

    taps: frozenset[str]
    pooling: str
    dtype: torch.dtype
    is_condensed: bool = False

    @property
    def depth(self) -> int:
        """How many convolutions run: the network is cut at the deepest tap."""
        return max(map(depth_of, self.taps))

    def with_taps(self, taps: Iterable[str]) -> PassConfig:
        """The same with other taps."""
        return replace(self, taps=frozenset(taps))

    def pools_after(self, name: str) -> bool:
        """Whether a pooling follows a convolution within this pass."""
        return name in _POOLS_AFTER and depth_of(name) < self.depth
