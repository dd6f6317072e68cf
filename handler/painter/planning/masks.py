"""The masks of a request: decoded, checked, and shared out where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from painter.errors import OutOfRange
from painter.pictures.picture import Picture, Read, decode_mask, resize

# A mask that is white on less than this share of what can be seen is empty.
MASK_LEAST: Final = 1e-3


def read_mask(
    data: bytes | None, name: str, picture: Picture, adjusted: list[str], read: Read
) -> Tensor | None:
    """A mask at its picture's size; raises OutOfRange where it is black on all that is seen."""
    if data is None:
        return None
    mask, shape = decode_mask(data, name, read), picture.shape
    height, width = mask.shape
    if not 0.98 < (height * shape[1]) / (width * shape[0]) < 1.02:
        adjusted.append(
            f"{name}: resized from {width} x {height} to {shape[1]} x {shape[0]} px, "
            "another shape than its picture's"
        )
    fitted = resize(mask, shape)
    seen = torch.ones(shape) if picture.alpha is None else picture.alpha
    share = float((fitted * seen).sum() / seen.sum())
    if share < MASK_LEAST:
        raise OutOfRange(
            "mask_empty",
            f"{name} must be white somewhere that its picture is not transparent: on average "
            f"at least {MASK_LEAST:g}, got {share:.2g}",
            name,
        )
    return fitted


def where_both(mask: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The product of two masks of one shape; None counts everywhere."""
    if mask is None or other is None:
        return other if mask is None else mask
    return mask * other


def share_out(masks: Sequence[Tensor | None]) -> list[Tensor]:
    """One mask [H, W] for each style, at least one given: overlaps share, and sum to 1.

    A style without a mask of its own gets what the others leave. Where no mask is, no style
    is, and the photo stays.
    """
    given = [mask for mask in masks if mask is not None]
    total = torch.stack(given).sum(0)
    shares = [mask / total.clamp(min=1) for mask in given]
    rest = (1 - total).clamp(min=0) / max(1, len(masks) - len(given))
    remaining = iter(shares)
    return [rest if mask is None else next(remaining) for mask in masks]
