"""How far the canvas's features are from the photo's, position by position."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from painter.losses.style_loss import rows_of


def energy(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Σ w f² over features [C, H, W] and weights [H, W]: a scalar in float32 at least."""
    kind = torch.promote_types(features.dtype, torch.float32)
    if weights is None:
        # PyTorch copies features to square them in float32, but not for norms. In bfloat16 each
        # position's is rounded; over thousands of them the roundings cancel out.
        norms: Tensor = torch.linalg.vector_norm(rows_of(features), dim=1)
        return norms.to(kind).square().sum()
    return (features.to(kind).square() * weights).sum()


@dataclass(frozen=True, slots=True)
class L2:
    """Σ w (F − P)² / Σ w P² at one layer; Gatys et al. 2016, eq. 1.

    `norm` is the content's own energy Σ w P², with a floor, where the paper has ½ without a norm.
    Losses and gradients of the positions of tiles add up to those of the whole.
    """

    norm: Tensor

    def compare(
        self,
        features: Tensor,
        target: Tensor,
        weights: Tensor | None = None,
        scale: Tensor | float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        """The loss of features [C, h, w] beside the photo's, and its gradient times `scale`."""
        difference = features - target
        loss = energy(difference, weights) / self.norm
        gradient = difference.mul_((2 * scale / self.norm).to(features.dtype))
        return loss, gradient if weights is None else gradient.mul_(weights.to(features.dtype))
