"""A file becomes samples: sRGB, upright, of the depth that it has."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from painter.errors import Malformed, NotAnImage, OutOfRange, PaintError, TooLarge
from painter.pictures.bounds import check_declared
from painter.pictures.deep import is_deep, read_deep
from painter.pictures.samples import Samples
from painter.pictures.shallow import read_shallow

PIXELS_MOST: Final = 64 * 2**20
TOGETHER_MOST: Final = 2 * PIXELS_MOST
SIDE_LEAST: Final = 16

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_EXIF_ORIENTATION: Final = 0x0112

# Pixels are counted from the header, before anything is decoded, against PIXELS_MOST.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Header:
    """What the beginning of a file tells: height and width as they are stored, alpha and depth."""

    shape: tuple[int, int]
    has_alpha: bool
    is_deep: bool


def read_header(data: bytes, field: str) -> Header:
    """Reads no more of a picture than tells its size; raises as `read_planes` does."""
    image = _open(data, field)
    return Header((image.height, image.width), image.has_transparency_data, _is_deep(data, image))


def read_planes(data: bytes, field: str) -> Samples:
    """Reads a PNG, JPEG, WebP, TIFF, BMP or GIF (first frame) of any mode, 8 or 16 bit.

    Gives [3, H, W], or [4, H, W] with straight alpha that is not opaque everywhere: bytes, or
    uint16 where the file is deeper. Raises Malformed, NotAnImage, TooLarge or OutOfRange; all
    name `field`.
    """
    image = _open(data, field)
    try:
        samples = read_deep(data, image) if _is_deep(data, image) else read_shallow(image)
        if sorted(samples.shape[:2]) != sorted(image.size):
            raise ValueError("it has another size than it says")
        return _planes(_upright(samples, _orientation(image)))
    except MemoryError:
        raise
    except Exception as error:  # a decoder may raise anything on broken bytes
        raise NotAnImage(
            "broken_image",
            f"{field} is a {image.format} picture that cannot be decoded: {error}",
            field,
        ) from error


def check_together(pictures: Iterable[bytes]) -> None:
    """Raises TooLarge where pictures that are each small enough are too large together."""
    # One that is too large by itself is refused by its own name, when it is read.
    total = sum(pixels for pixels in map(_declared_pixels, pictures) if pixels <= PIXELS_MOST)
    if total > TOGETHER_MOST:
        raise TooLarge(
            "image_too_large",
            f"content and all other pictures must have at most {TOGETHER_MOST} pixels together, "
            f"got {total}",
            "content",
        )


def _declared_pixels(data: bytes) -> int:
    try:
        image = _open(data, "picture")
    except PaintError:  # what is no picture is refused when it is read
        return 0
    return image.width * image.height


def _open(data: bytes, field: str) -> Image.Image:
    if not data:
        raise Malformed(
            "empty_image", f"{field} is empty: it must be a picture, got 0 bytes", field
        )
    check_declared(data, field)
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise NotAnImage(
            "not_an_image",
            f"{field} must be a PNG, JPEG, WebP, TIFF, BMP or GIF picture, "
            f"got {len(data)} bytes that are none, or of a kind that is not read",
            field,
        ) from error
    width, height = image.size
    if width * height > PIXELS_MOST:
        raise TooLarge(
            "image_too_large",
            f"{field} must have at most {PIXELS_MOST} pixels, got {width} x {height}",
            field,
        )
    if min(width, height) < SIDE_LEAST:
        raise OutOfRange(
            "image_too_small",
            f"{field} must be at least {SIDE_LEAST} px on each side, got {width} x {height}",
            field,
        )
    return image


def _is_deep(data: bytes, image: Image.Image) -> bool:
    try:
        return is_deep(data, image)
    except Exception:  # broken tags: what they break is told by the decoder
        return True


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # broken EXIF is common, and no reason to refuse
        return 1


def _upright(samples: Samples, orientation: Any) -> Samples:
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _planes(samples: Samples) -> Samples:
    """[H, W, 1 to 4] as [3 or 4, H, W] without a copy."""
    planes = samples.transpose(2, 0, 1)
    colors = len(planes) - (len(planes) in (2, 4))
    has_alpha = colors < len(planes) and planes[-1].min() < np.iinfo(planes.dtype).max
    if colors == 3:
        return planes if has_alpha else planes[:3]
    gray = np.broadcast_to(planes[:1], (3, *planes.shape[1:]))
    return np.concatenate([gray, planes[-1:]]) if has_alpha else gray
