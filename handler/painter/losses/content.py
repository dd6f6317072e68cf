"""How far the canvas's features are from the photo's, position by position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.device.fusing import Fused
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
        if weights is None and isinstance(scale, Tensor):
            compared: tuple[Tensor, Tensor] = COMPARED(features, target, self.norm, scale)
            return compared
        difference = features - target
        loss = energy(difference, weights) / self.norm
        gradient = difference.mul_((2 * scale / self.norm).to(features.dtype))
        return loss, gradient if weights is None else gradient.mul_(weights.to(features.dtype))


def _compare(
    features: Tensor, target: Tensor, norm: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor]:
    difference = features - target
    loss = energy(difference) / norm
    return loss, difference.mul_((2 * scale / norm).to(features.dtype))


def _launch(features: Tensor, target: Tensor, norm: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    from painter.losses import kernels

    rows, others = (rows_of(each).contiguous() for each in (features, target))
    gradient, block = torch.empty_like(rows), kernels.FEATURES_BLOCK
    programs = -(-rows.numel() // block)
    losses = torch.empty(programs, device=rows.device)
    kernels.content[(programs,)](rows, others, norm, scale, gradient, losses, rows.numel(), block)
    return losses.sum(), gradient.view(*features.shape[1:], -1).permute(2, 0, 1)


def _shapes(features: Tensor, target: Tensor, norm: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    channels, height, width = features.shape
    gradient = features.new_empty(height, width, channels).permute(2, 0, 1)
    return torch.empty((), device=features.device), gradient


def _samples(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    features, target = (
        torch.randn(19, 23, 64, device=device).to(dtype).permute(2, 0, 1) for _ in range(2)
    )
    norm, scale = torch.full((2,), 5e4, device=device).unbind()
    yield features, target, norm, scale.double()


COMPARED: Final = Fused(
    "content(Tensor features, Tensor target, Tensor norm, Tensor scale) -> (Tensor, Tensor)",
    _compare,
    _launch,
    _shapes,
    _samples,
    kernels=2,
)
