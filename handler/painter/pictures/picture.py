"""A picture as sRGB tensors: read from bytes, and brought to another size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from painter.pictures.decoding import read_planes
from painter.pictures.samples import Samples

# Reads the planes of the picture in the field that is named, as `read_planes` does.
Read = Callable[[bytes, str], Samples]

_FILLED_MOST: Final = 2048


@dataclass(frozen=True, slots=True)
class Picture:
    """An sRGB picture: samples [3, H, W] and, where it has transparency, alpha [H, W] from 0 to 1.

    The samples are bytes or of 16 bits, as files have them, or floats from 0 to 1. `digest` is the
    sha256 of the file it came from.
    """

    samples: Tensor
    alpha: Tensor | None
    digest: str

    @property
    def pixels(self) -> Tensor:
        """The samples as floats from 0 to 1, made anew from others each time."""
        return _as_floats(self.samples)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.samples.shape[-2], self.samples.shape[-1]


def decode(data: bytes, field: str, read: Read = read_planes) -> Picture:
    """Reads a PNG, JPEG, WebP, TIFF, BMP or GIF (first frame) of any mode, 8 or 16 bit.

    Orientation is applied, and colors are brought to sRGB. Raises Malformed, NotAnImage,
    TooLarge or OutOfRange; all name `field`.
    """
    planes = torch.from_numpy(np.ascontiguousarray(read(data, field)))
    alpha = _as_floats(planes[3]) if len(planes) == 4 else None
    return Picture(planes[:3], alpha, hashlib.sha256(data).hexdigest())


def decode_mask(data: bytes, field: str, read: Read = read_planes) -> Tensor:
    """Reads a mask as [H, W] from 0 to 1: its brightness, less where it is transparent."""
    picture = decode(data, field, read)
    mask = torch.zeros(picture.shape)
    # One by one: a large picture is not there as floats as a whole.
    for plane, weight in zip(picture.samples, (0.299, 0.587, 0.114), strict=True):
        mask.add_(_as_floats(plane), alpha=weight)
    return mask if picture.alpha is None else mask * picture.alpha


def resize(samples: Tensor, shape: tuple[int, int]) -> Tensor:
    """Samples [C, H, W] or [H, W] as floats at another size: bicubic, antialiased, clamped."""
    if tuple(samples.shape[-2:]) == shape:
        return _as_floats(samples)
    planes = samples.reshape(-1, *samples.shape[-2:])
    kind = torch.promote_types(samples.dtype, torch.float32)
    resized = samples.new_empty((len(planes), *shape), dtype=kind)
    # One by one: a large picture is not there as floats as a whole.
    for plane, target in zip(planes, resized, strict=True):
        target.copy_(_resized(_as_floats(plane), shape))
    return resized.reshape(*samples.shape[:-2], *shape)


def resize_picture(picture: Picture, shape: tuple[int, int]) -> Picture:
    """A picture at another size; colors are premultiplied, and none comes from nowhere.

    Transparent pixels take the color of the nearest one that is not.
    """
    if picture.alpha is None:
        return Picture(resize(picture.samples, shape), None, picture.digest)
    alpha = resize(picture.alpha, shape)
    pixels = torch.empty((3, *shape))
    # One by one: a large picture is not there as floats as a whole.
    for plane, target in zip(picture.samples, pixels, strict=True):
        premultiplied = resize(_as_floats(plane) * picture.alpha, shape)
        torch.div(premultiplied, alpha.clamp(min=1 / 255), out=target).clamp_(0, 1)
    return Picture(_filled(pixels, alpha), alpha, picture.digest)


def _resized(plane: Tensor, shape: tuple[int, int]) -> Tensor:
    batch = plane[None, None]
    resized = F.interpolate(batch, size=shape, mode="bicubic", antialias=True, align_corners=False)
    return resized[0, 0].clamp_(0, 1)


def _as_floats(samples: Tensor) -> Tensor:
    if samples.is_floating_point():
        return samples
    return samples.float().div_(torch.iinfo(samples.dtype).max)


def _filled(pixels: Tensor, alpha: Tensor) -> Tensor:
    """Finding the nearest pixels takes long on large canvases, and no one sees them: halved."""
    transparent = (alpha < 1 / 255).numpy()
    if not transparent.any() or transparent.all():
        return pixels
    height, width = transparent.shape
    if max(height, width) > _FILLED_MOST:
        half = (height // 2, width // 2)
        small = resize((pixels * alpha), half) / resize(alpha, half).clamp(min=1 / 255)
        filled = resize(_filled(small.clamp_(0, 1), resize(alpha, half)), (height, width))
        return torch.where(alpha < 1 / 255, filled, pixels)
    # It takes a quarter of a second to load, and few pictures are transparent.
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(transparent, return_distances=False, return_indices=True)
    return pixels[:, torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
