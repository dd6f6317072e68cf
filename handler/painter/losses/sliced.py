"""Sliced Wasserstein: how features are distributed along many directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import torch
from torch import Tensor

from painter.losses.style_loss import FLOOR, MeansGradient, StyleLoss, rows_of

# Values along a direction are told apart by so many bins: in the middle they are 1/128 of the
# usual spread wide, and ever wider beyond it, as the values are larger.
_BINS: Final = 512
_SPREADS: Final = 2.0
# Positions are counted in whole numbers of such shares, whose sum is the same in whatever order a
# GPU adds them.
_SHARES: Final = 2**24
# Values that are there at once: those of all positions would be as large as the features.
_AT_ONCE: Final = 2**21


@dataclass(frozen=True, slots=True)
class Histograms:
    """How one layer's positions are distributed along directions: shares of them [D, bins].

    `broken` is NaN where a feature is not finite, else 0.
    """

    count: Tensor | float
    shares: Tensor
    broken: Tensor

    def __add__(self, other: Histograms) -> Histograms:
        broken = self.broken + other.broken
        return Histograms(self.count + other.count, self.shares + other.shares, broken)

    @property
    def means(self) -> tuple[Tensor, ...]:
        """The part of all positions in each bin [D, bins], in float64; each row sums to 1."""
        return (self.shares.double() / self.shares.sum(-1, keepdim=True) + self.broken,)


@dataclass(frozen=True, slots=True)
class SlicedTarget:
    """The style's distributions: up to each bin the part of positions and the sum of values.

    Both are [D, bins]; `second` [D] are the means of squared values, and `norm` the scalar that
    makes the loss relative.
    """

    parts: Tensor
    sums: Tensor
    second: Tensor
    norm: Tensor


@dataclass(frozen=True, slots=True)
class Sliced(StyleLoss[Histograms, SlicedTarget]):
    """Mean squared 2-Wasserstein distance along directions, over the style's mean square.

    Heitz et al. 2021, eq. 3. The paper draws directions anew for each step and sorts; here there
    are as many as channels, orthonormal and always the same, so that a style is gathered once
    and a loss is one for all steps. Values fall between the centers of two bins and count for
    both, so that histograms of tiles add up, and the loss is a smooth function of features.
    """

    directions: Tensor
    centers: Tensor

    @classmethod
    def at(cls, energy: float, channels: int, device: torch.device) -> Self:
        place = (torch.arange(_BINS, dtype=torch.float64) * 2 + 1) / _BINS - 1
        centers = _spread(energy) * place / (1 - place.abs())
        return cls(energy, _directions(channels).to(device), centers.to(device))

    @property
    def kind(self) -> str:
        return "histograms"

    def of_style(self, features: Tensor, weights: Tensor | None) -> Histograms:
        rows = rows_of(features)
        wide = torch.promote_types(features.dtype, torch.float32)
        counts = None if weights is None else weights.reshape(-1, 1).to(wide)
        shares = torch.zeros(
            len(self.directions.T) * _BINS, dtype=torch.int64, device=features.device
        )
        broken = torch.zeros((), dtype=torch.float64, device=features.device)
        for part, values in self._values(rows):
            low, upper, _ = self._bins(values)
            whole = torch.full_like(upper, _SHARES) if counts is None else counts[part] * _SHARES
            whole = whole.expand_as(upper).round().long()
            above = (whole * upper).nan_to_num(0).round().long()
            low = low + torch.arange(0, len(shares), _BINS, device=low.device)
            shares.scatter_add_(0, low.flatten(), (whole - above).flatten())
            shares.scatter_add_(0, low.add_(1).flatten(), above.flatten())
            broken += values.sum(dtype=torch.float64) * 0
        count = float(len(rows)) if weights is None else weights.sum(dtype=wide)
        return Histograms(count, shares.view(-1, _BINS), broken)

    def target(self, means: tuple[Tensor, ...]) -> SlicedTarget:
        (parts,) = means
        second = parts @ self.centers.square()
        norm = second.mean().clamp(min=FLOOR * self.energy)
        return SlicedTarget(parts.cumsum(-1), (parts * self.centers).cumsum(-1), second, norm)

    def compare(self, statistics: Histograms, target: SlicedTarget) -> tuple[Tensor, MeansGradient]:
        (parts,) = statistics.means
        centers, reached = self.centers, parts.cumsum(-1)
        bins = torch.searchsorted(target.parts, reached).clamp(max=_BINS - 1)
        before, is_first = (bins - 1).clamp(min=0), bins == 0
        # ∫ Qˢ du up to what is reached: whole bins of the style's, and a part of the next one.
        parts_before = target.parts.gather(-1, before).masked_fill(is_first, 0)
        sums_before = target.sums.gather(-1, before).masked_fill(is_first, 0)
        quantiles = centers[bins]
        styled = sums_before + (reached - parts_before) * quantiles
        # ∫ (Q − Qˢ)² du of the quantiles of both, as ∫ Q² + ∫ Qˢ² − 2 ∫ Q Qˢ.
        both = torch.cat([styled[:, :1], styled.diff()], -1) @ centers
        distances = parts @ centers.square() + target.second - 2 * both
        # What goes to the next bin is as much farther from, or nearer to, the style's quantile.
        steps = centers.diff() * (centers[1:] + centers[:-1] - 2 * quantiles[:, :-1])
        to_parts = torch.cat([torch.zeros_like(steps[:, :1]), steps.cumsum(-1)], -1)
        scale = 1 / (target.norm * len(parts))
        return distances.mean().clamp(min=0) / target.norm, MeansGradient((to_parts,), scale)

    def gradient(
        self,
        features: Tensor,
        statistics: Histograms,
        to_means: MeansGradient,
        weights: Tensor | None = None,
        onto: Tensor | None = None,
    ) -> Tensor:
        (to_parts,) = to_means.values
        assert to_parts is not None
        rows = rows_of(features)
        # A value that moves takes from one bin what it gives to the next.
        wide = torch.promote_types(rows.dtype, torch.float32)
        steps = (to_parts.diff() * (_BINS / 2 * to_means.scale / statistics.count)).to(wide)
        gradient = torch.empty_like(rows)
        for part, values in self._values(rows):
            low, _, slope = self._bins(values)
            along = torch.arange(0, steps.numel(), steps.shape[-1], device=low.device)
            to_values = steps.flatten()[low + along] * slope
            if weights is not None:
                to_values *= weights.reshape(-1, 1)[part].to(to_values.dtype)
            gradient[part] = to_values.to(rows.dtype) @ self.directions.T.to(rows.dtype)
        gradient = gradient.view(*features.shape[1:], features.shape[0]).permute(2, 0, 1)
        return gradient if onto is None else onto.add_(gradient)

    def _values(self, rows: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Positions, some at a time, and what their features [n, C] are along directions [n, D]."""
        wide = torch.promote_types(rows.dtype, torch.float32)
        directions = self.directions.to(rows.dtype)
        step = max(1, _AT_ONCE // directions.shape[1])
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            yield part, (rows[part] @ directions).to(wide)

    def _bins(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The bin below each value, how much of it the next one has, and how fast places change."""
        spread = _spread(self.energy)
        reach = values.abs() + spread
        place = (values / reach + 1) * (_BINS / 2) - 0.5
        inside = (place >= 0) & (place <= _BINS - 1)
        place = place.clamp(0, _BINS - 1)
        low = place.nan_to_num(0).floor().clamp(max=_BINS - 2)
        return low.long(), place - low, inside * spread / reach.square()


def _spread(energy: float) -> float:
    return float(_SPREADS * energy**0.5)


@cache
def _directions(channels: int) -> Tensor:
    """Orthonormal columns [C, C] that have no direction in common with the channels."""
    generator = torch.Generator().manual_seed(channels)
    noise = torch.randn(channels, channels, dtype=torch.float64, generator=generator)
    directions: Tensor = torch.linalg.qr(noise)[0]
    return directions
