"""Losses of hypercolumns at sampled positions, as Kolkin, Salavon and Shakhnarovich 2019 have them.

What all positions have to do with each other would be as large as their number squared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.losses.neighbors import TAPS, StyleSet

# Positions of a canvas that are compared at once; the paper has as many.
SAMPLED: Final = 1024
# Positions of the styles that they are compared with.
STYLE_SAMPLED: Final = 2048
_TINY: Final = 1e-8

T = TypeVar("T")


class SampledLoss(ABC, Generic[T]):
    """A dimensionless loss of hypercolumns [K, D] of the canvas."""

    taps: ClassVar[tuple[str, ...]] = TAPS

    @abstractmethod
    def compare(self, rows: Tensor, target: T) -> tuple[Tensor, Tensor]:
        """The loss, a scalar, and its gradient with respect to the rows [K, D]."""


class SelfSimilarity(SampledLoss[Tensor]):
    """How unlike each other positions of the canvas are, beside those of the photo.

    Mean |D / D̄ − Dᴾ / D̄ᴾ| with D the cosine distances of all pairs of positions, and D̄ the mean of
    each column; eq. 9 of the paper, times the number of positions, which makes it dimensionless. It
    keeps forms and lets colors and textures go. The paper's hypercolumns have conv5 as well.
    """

    def compare(self, rows: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """`target` are the photo's rows [K, D] at the same positions."""
        units = F.normalize(rows, dim=1, eps=_TINY)
        distances, means = _distances(units)
        of_photo, means_of_photo = _distances(F.normalize(target, dim=1, eps=_TINY))
        difference = distances / means - of_photo / means_of_photo
        signs = difference.sign() / difference.numel()
        through_means = (signs * distances).mean(0) / means.square()
        to_distances = signs / means - through_means
        to_units = -(to_distances + to_distances.T) @ units
        return difference.abs().mean(), _through_length(rows, units, to_units)


class RelaxedTransport(SampledLoss[StyleSet]):
    """The relaxed earth mover's distance of the canvas's hypercolumns from the style's.

    max(meanᵢ minⱼ Cᵢⱼ, meanⱼ minᵢ Cᵢⱼ) with C the cosine distances; eq. 5 of the paper. What of the
    style is missing counts as much as what does not belong to it. Departures from the paper: its
    moments and palette are left to a Gram loss beside this one, the style's sample is larger and
    always the same, and pixels are no part of a hypercolumn.
    """

    def compare(self, rows: Tensor, target: StyleSet) -> tuple[Tensor, Tensor]:
        """`target` are the style's hypercolumns."""
        units = F.normalize(rows, dim=1, eps=_TINY)
        lengths = target.energies.sqrt().clamp(min=_TINY)[:, None]
        others = target.rows / lengths.to(target.rows.dtype)
        cosines = units.to(others.dtype) @ others.T
        nearest = others[cosines.argmax(1)].to(rows.dtype) / len(rows)
        # For each position the sum of those of the style that it is the nearest to.
        is_nearest = F.one_hot(cosines.argmax(0), len(rows)).to(others.dtype)
        drawn = (is_nearest.T @ others).to(rows.dtype) / len(others)
        to_style, to_canvas = 1 - (units * nearest).sum(), 1 - (units * drawn).sum()
        is_longer = to_style >= to_canvas
        loss = torch.where(is_longer, to_style, to_canvas)
        return loss, _through_length(rows, units, -torch.where(is_longer, nearest, drawn))


def _distances(units: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine distances of all pairs [K, K], and the mean of each column."""
    distances = 1 - units @ units.T
    return distances, distances.mean(0).clamp(min=_TINY)


def _through_length(rows: Tensor, units: Tensor, to_units: Tensor) -> Tensor:
    """The gradient at rows, of one at the rows of length 1 that they were made into."""
    along = (to_units * units).sum(1, keepdim=True)
    lengths: Tensor = rows.square().sum(1, keepdim=True).sqrt().clamp(min=_TINY)
    return (to_units - along * units) / lengths
