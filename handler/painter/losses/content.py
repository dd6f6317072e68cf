"""How far the canvas's features are from the photo's, position by position."""

from __future__ import annotations

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


def content_loss(
    features: Tensor,
    target: Tensor,
    norm: Tensor,
    weights: Tensor | None = None,
    scale: Tensor | float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Σ w (F − P)² / norm, and its gradient times `scale`; Gatys et al. 2016, eq. 1.

    `norm` is the content's own energy Σ w P², where the paper has ½ without a norm.
    """
    difference = features - target
    loss = energy(difference, weights) / norm
    gradient = difference.mul_((2 * scale / norm).to(features.dtype))
    return loss, gradient if weights is None else gradient.mul_(weights.to(features.dtype))
