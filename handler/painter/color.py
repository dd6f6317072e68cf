"""Whose colors the painting has: the style's, the photo's, or the style's brought to the photo's.

Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural artistic style transfer".
"""

from __future__ import annotations

import torch
from torch import Tensor

# Rec. 601, the luma of YCbCr as JPEG has it.
_LUMA = (0.299, 0.587, 0.114)
_VARIANCE_LEAST = 1e-5


def recolored(style: Tensor, content: Tensor, color: str, strength: float) -> Tensor:
    """The style [3, H, W] as it is to be learned from, for a value of the option `color`."""
    if color == "match":
        return torch.lerp(style, _matched(style, content), strength)
    if color == "luminance":
        return torch.lerp(style, _matched_gray(style, content), strength)
    return style


def prepared_content(content: Tensor, color: str, strength: float) -> Tensor:
    """The photo [3, H, W] as it is to be painted: without its colors for `luminance`."""
    if color == "luminance":
        return torch.lerp(content, _luma(content).expand_as(content), strength)
    return content


def finished(canvas: Tensor, content: Tensor, color: str, strength: float) -> Tensor:
    """The canvas [3, H, W] as it is to be shown: with the photo's colors for `luminance`."""
    if color != "luminance":
        return canvas
    kept = _luma(canvas) + content - _luma(content)
    return torch.lerp(canvas, kept.clamp(0, 1), strength)


def _luma(pixels: Tensor) -> Tensor:
    return (pixels * pixels.new_tensor(_LUMA).view(3, 1, 1)).sum(0, keepdim=True)


def _matched_gray(style: Tensor, content: Tensor) -> Tensor:
    """The style's luma with the mean and spread of the photo's; section 5 of the paper."""
    own, wanted = _luma(style), _luma(content)
    scale = wanted.std() / own.std().clamp(min=_VARIANCE_LEAST)
    return ((own - own.mean()) * scale + wanted.mean()).clamp(0, 1).expand_as(style)


def _matched(style: Tensor, content: Tensor) -> Tensor:
    """The style's colors with the photo's mean and covariance; section 4, symmetric roots."""
    mean, covariance = _statistics(style)
    wanted_mean, wanted_covariance = _statistics(content)
    transform = _power(wanted_covariance, 0.5) @ _power(covariance, -0.5)
    rows = (style.reshape(3, -1) - mean).to(transform.dtype)
    matched = (transform @ rows).to(style.dtype) + wanted_mean
    return matched.clamp(0, 1).reshape(style.shape)


def _statistics(pixels: Tensor) -> tuple[Tensor, Tensor]:
    rows = pixels.reshape(3, -1)
    return rows.mean(1, keepdim=True), torch.cov(rows.double())


def _power(covariance: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    raised = values.clamp(min=_VARIANCE_LEAST).pow(exponent)
    return torch.matmul(vectors * raised, vectors.T)
