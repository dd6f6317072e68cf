"""Gram matrices: Gatys, Ecker and Bethge 2016."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from painter.losses.moments import Moments, OfMoments, moments
from painter.losses.style_loss import FLOOR, MeansGradient


@dataclass(frozen=True, slots=True)
class GramTarget:
    """The style's Gram matrix [C, C], and the scalar that makes the loss relative."""

    gram: Tensor
    norm: Tensor


@dataclass(frozen=True, slots=True)
class Gram(OfMoments[GramTarget]):
    """‖G − Gˢ‖² / max(‖Gˢ‖², floor) with G = F Fᵀ / positions; Gatys et al. 2016, eq. 4-5.

    The paper divides by 4 C² N² instead; dividing by the style's own norm makes the loss 1
    where the painting has no features at all, whatever the layer, size or network.
    """

    def of_canvas(self, features: Tensor, weights: Tensor | None) -> Moments:
        return moments(features, weights, with_first=False)

    def target(self, means: tuple[Tensor, ...]) -> GramTarget:
        _, gram = means
        floor = (FLOOR * self.energy) ** 2 * len(gram)
        return GramTarget(gram, gram.square().sum().clamp(min=floor))

    def compare(self, statistics: Moments, target: GramTarget) -> tuple[Tensor, MeansGradient]:
        difference = statistics.gram - target.gram
        loss = difference.square().sum() / target.norm
        return loss, MeansGradient((None, difference), 2 / target.norm)
