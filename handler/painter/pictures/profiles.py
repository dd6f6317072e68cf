"""Color profiles: what a picture's numbers mean becomes sRGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, ImageCms

ToSrgb = Callable[[Image.Image], Image.Image]


@cache
def srgb_profile() -> bytes:
    """The ICC profile that every picture is written with."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def srgb_conversion(mode: str, profile: bytes | None) -> ToSrgb:
    """What makes RGB of images of this mode (L, RGB, CMYK, LAB) and this ICC profile.

    A profile that does not fit its own picture is common, and no reason to refuse: it is left out.
    """
    source: Any = io.BytesIO(profile) if profile else None
    if mode == "LAB":
        source = ImageCms.createProfile("LAB")
    if source is None:
        return _plainly
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(source), ImageCms.createProfile("sRGB"), mode, "RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return _plainly

    def convert(image: Image.Image) -> Image.Image:
        try:
            return ImageCms.applyTransform(image, transform) or image
        except ImageCms.PyCMSError:
            return _plainly(image)

    return convert


def _plainly(image: Image.Image) -> Image.Image:
    return image.convert("RGB")
