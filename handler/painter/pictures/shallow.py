"""Pictures with up to 8 bits a sample become sRGB, band by band."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from painter.pictures.profiles import ToSrgb, srgb_conversion
from painter.pictures.samples import Samples, bands

_READ_AS_THEY_ARE: Final = ("L", "RGB", "CMYK", "LAB")


def read_shallow(image: Image.Image) -> Samples:
    """The samples [H, W, 3] of 8 bits in sRGB, or [H, W, 4] with straight alpha."""
    image.load()
    mode = _mode_of_colors(image)
    convert = srgb_conversion(mode, image.info.get("icc_profile"))
    width, height = image.size
    samples = np.empty((height, width, 3 + image.has_transparency_data), np.uint8)
    for rows in bands(height, width):
        part = image.crop((0, rows.start, width, rows.stop))
        samples[rows] = np.asarray(_converted(part, mode, convert))
    return samples


def _mode_of_colors(image: Image.Image) -> str:
    if image.has_transparency_data:
        return "L" if image.mode in ("L", "LA") else "RGB"
    return image.mode if image.mode in _READ_AS_THEY_ARE else "RGB"


def _converted(part: Image.Image, mode: str, convert: ToSrgb) -> Image.Image:
    if not part.has_transparency_data:
        return convert(part if part.mode == mode else part.convert(mode))
    clear = part.convert("RGBA")
    colors = convert((part if mode == "L" else clear).convert(mode))
    colors.putalpha(clear.getchannel("A"))
    return colors
