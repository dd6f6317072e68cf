"""Images in memory become the bytes of a file, with the colors and the depth that they have."""

from __future__ import annotations

import io
from typing import Any, Final, cast

from PIL import Image, ImageOps

from bruno.errors import InvalidInputError

_PNG_MODES: Final = ("1", "L", "LA", "P", "I;16", "RGB", "RGBA")
_TIFF_MODES: Final = ("CMYK", "LAB")
_STRAIGHT: Final = {"PA": "RGBA", "RGBa": "RGBA", "La": "LA"}
_DEEP_MODES: Final = ("F", "I")
_SIXTEEN_BITS: Final = ("I;16B", "I;16L", "I;16N")
# What white may be in an image whose mode does not say it.
_WHITES: Final = {"F": (1, 255), "I": (255, 65535)}


def from_image(field: str, image: Image.Image) -> bytes:
    """A PIL image of any mode as a file, upright.

    What white is, mode F leaves open, and mode I: 1 is taken where nothing is above it, else
    255; in mode I 255, else 65535. Raises InvalidInputError that names the field, for values beyond
    and for an image that cannot be decoded.
    """
    try:
        return _file_of(field, ImageOps.exif_transpose(image))
    except InvalidInputError:
        raise
    except Exception as error:  # Pillow's decoders raise anything on broken files
        raise InvalidInputError(f"{field}: the image cannot be read: {error}") from None


def from_array(field: str, array: Any) -> bytes:
    """An array of 0 to 255 as uint8, of 0 to 1 as floats, or of booleans as a file."""
    kind = array.dtype.kind
    if kind == "b":
        array = array.astype("uint8") * 255
    elif kind == "f":
        if not ((array >= 0) & (array <= 1)).all():
            raise InvalidInputError(
                f"{field}: an array of floats must hold values from 0 to 1, "
                f"got {array.min():g} to {array.max():g}"
            )
        array = (array * 255 + 0.5).astype("uint8")
    shape = array.shape
    if array.dtype != "uint8" or not (len(shape) == 2 or len(shape) == 3 and shape[2] in (3, 4)):
        raise InvalidInputError(
            f"{field}: an array must be uint8, float or bool of shape H x W, H x W x 3 or "
            f"H x W x 4, got {array.dtype} of shape {shape}"
        )
    return from_image(field, Image.fromarray(array))


def _file_of(field: str, image: Image.Image) -> bytes:
    file = io.BytesIO()
    if image.mode in _TIFF_MODES:
        # A PNG has no such colors, and the profile that comes with them fits no others.
        image.save(file, "TIFF", compression="tiff_adobe_deflate")
    else:
        _as_png(field, image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _as_png(field: str, image: Image.Image) -> Image.Image:
    if image.mode in _PNG_MODES:
        return image
    if image.mode in _DEEP_MODES:
        return _deep(field, image)
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").convert("I;16")
    return image.convert(_STRAIGHT.get(image.mode, "RGB"))


def _deep(field: str, image: Image.Image) -> Image.Image:
    """A single channel in 16 bits."""
    # Of a single channel; as many pairs as channels otherwise.
    least, most = cast(tuple[float, float], image.getextrema())
    whites = _WHITES[image.mode]
    white = next((white for white in whites if most <= white), None)
    if white is None or least < 0:
        raise InvalidInputError(
            f"{field}: an image of mode {image.mode} must hold values from 0 to "
            f"{' or '.join(map(str, whites))}, got {least if least < 0 else most:g}"
        )
    factor = 65535 / white
    deep = image.convert("F").point(lambda value: value * factor + 0.5)
    return deep.convert("I").convert("I;16")
