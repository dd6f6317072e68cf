"""A file becomes samples: sRGB, upright, of the depth that it has."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from painter.errors import Malformed, NotAnImage, OutOfRange, TooLarge

PIXELS_MOST: Final = 64 * 2**20
TOGETHER_MOST: Final = 2 * PIXELS_MOST
SIDE_LEAST: Final = 16

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_EXIF_ORIENTATION: Final = 0x0112
_TIFF_BITS: Final = 258
_TIFF_PHOTOMETRIC: Final = 262
_DEEP_PHOTOMETRICS: Final = (
    tifffile.PHOTOMETRIC.MINISWHITE,
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.RGB,
)

# Pixels are counted from the header, before anything is decoded, against PIXELS_MOST.
Image.MAX_IMAGE_PIXELS = None

Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Header:
    """What the beginning of a file tells: height and width as they are stored, alpha and depth."""

    shape: tuple[int, int]
    has_alpha: bool
    is_deep: bool


def read_header(data: bytes, field: str) -> Header:
    """Reads no more of a picture than tells its size; raises as `read_samples` does."""
    image = _open(data, field)
    try:
        is_deep = _is_deep(data, image)
    except Exception:  # broken tags: what they break is told by the decoder
        is_deep = True
    return Header((image.height, image.width), image.has_transparency_data, is_deep)


def read_samples(data: bytes, field: str) -> Samples:
    """Reads a PNG, JPEG, WebP, TIFF, BMP or GIF (first frame) of any mode, 8 or 16 bit.

    Gives [H, W, 3], or with straight alpha [H, W, 4]: of bytes, or of float32 from 0 to 1 where
    the file is deeper. Raises Malformed, NotAnImage, TooLarge or OutOfRange; all name `field`.
    """
    image = _open(data, field)
    try:
        samples = _deep(data, image) if _is_deep(data, image) else _shallow(image)
        return _upright(samples, _orientation(image))
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
        width, height = Image.open(io.BytesIO(data), formats=_FORMATS).size
    except MemoryError:
        raise
    except Exception:  # what is no picture is refused when it is read
        return 0
    return width * height


@cache
def srgb_profile() -> bytes:
    """The ICC profile that every picture is written with."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _open(data: bytes, field: str) -> Image.Image:
    if not data:
        raise Malformed(
            "empty_image", f"{field} is empty: it must be a picture, got 0 bytes", field
        )
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
    """Whether it has more than 8 bits a sample and is read so; Pillow cuts RGB to 8."""
    if image.format == "PNG":
        return data[24] == 16
    tags = getattr(image, "tag_v2", {})
    return max(tags.get(_TIFF_BITS, (8,))) > 8 and tags[_TIFF_PHOTOMETRIC] in _DEEP_PHOTOMETRICS


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


def _shallow(image: Image.Image) -> Samples:
    image.load()
    profile = image.info.get("icc_profile")
    alpha = None
    colors = image
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        alpha = colors.getchannel("A")
        colors = image.convert("L") if image.mode in ("L", "LA") else colors.convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK", "LAB"):
        colors = image.convert("RGB")
    upright = _to_srgb(colors, profile)
    if alpha is not None:
        upright.putalpha(alpha)
    return np.asarray(upright)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    source: Any = io.BytesIO(profile) if profile else None
    if image.mode == "LAB":
        source = ImageCms.createProfile("LAB")
    if source is None:
        # A copy of what is RGB already would be as large as the picture.
        return image if image.mode == "RGB" else image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(source),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        # A profile that does not fit its own picture is common, and no reason to refuse.
        return image.convert("RGB")
    assert converted is not None  # it is not done in place
    return converted


def _deep(data: bytes, image: Image.Image) -> Samples:
    if image.format == "PNG":
        values = _from_range(np.asarray(imagecodecs.png_decode(data)), bits=16)
    else:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            values = _from_page(file.pages[0])
    values = values[..., None] if values.ndim == 2 else values
    colors, alpha = values, values[..., :0]
    if values.shape[-1] in (2, 4):
        colors, alpha = values[..., :-1], values[..., -1:]
    profile = image.info.get("icc_profile")
    if profile:
        colors = _deep_to_srgb(colors, profile)
    if colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    return np.concatenate([colors, alpha], axis=-1)


def _from_page(page: Any) -> Samples:
    if page.imagedepth != 1:
        raise ValueError("a volume is not read")
    samples: Samples = page.asarray()
    if samples.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        samples = samples.transpose(1, 2, 0)
    values = _from_range(samples, page.bitspersample)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        values = 1 - values
    kind = next(iter(page.extrasamples), None)
    if kind == tifffile.EXTRASAMPLE.UNSPECIFIED:
        return values[..., :-1]
    if kind == tifffile.EXTRASAMPLE.ASSOCALPHA:
        alpha = values[..., -1:]
        colors = np.divide(values[..., :-1], alpha, where=alpha > 0, out=values[..., :-1])
        return np.concatenate([colors.clip(0, 1), alpha], axis=-1)
    return values


def _from_range(samples: Samples, bits: int) -> Samples:
    values = samples.astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        values /= np.float32(np.iinfo(samples.dtype).max >> (8 * samples.itemsize - bits))
    return np.nan_to_num(values).clip(0, 1)


def _deep_to_srgb(colors: Samples, profile: bytes) -> Samples:
    whole = np.ascontiguousarray((colors * 65535).round().astype(np.uint16))
    space = "rgb"
    if whole.shape[-1] == 1:
        whole, space = whole[..., 0], "minisblack"
    try:
        converted = imagecodecs.cms_transform(
            whole, profile, srgb_profile(), colorspace=space, outcolorspace="rgb"
        )
    except imagecodecs.CmsError:
        return colors  # as above
    return np.asarray(converted).astype(np.float32) / np.float32(65535)
