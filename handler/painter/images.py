"""Bytes become sRGB tensors, and tensors become bytes of a picture that tells how it was made."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from painter.errors import Malformed, NotAnImage, OutOfRange, TooLarge

PIXELS_MOST: Final = 64 * 2**20
SIDE_LEAST: Final = 16
MEDIA_TYPES: Final = {
    "png": "image/png",
    "png16": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "tiff16": "image/tiff",
}
RECORD_KEYWORD: Final = "bruno"

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_EXIF_DESCRIPTION: Final = 0x010E
_EXIF_ORIENTATION: Final = 0x0112
_DEEP_MODES: Final = ("I", "I;16", "I;16B", "I;16L", "F")
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)

# Pixels are counted from the header, before anything is decoded, against PIXELS_MOST.
Image.MAX_IMAGE_PIXELS = None

Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """An sRGB picture: pixels [3, H, W] and, where it has transparency, alpha [H, W]; 0 to 1.

    `digest` is the sha256 of the file it came from.
    """

    pixels: Tensor
    alpha: Tensor | None
    digest: str

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.pixels.shape[-2], self.pixels.shape[-1]


def decode(data: bytes, field: str) -> Picture:
    """Reads a PNG, JPEG, WebP, TIFF, BMP or GIF (first frame) of any mode, 8 or 16 bit.

    Orientation is applied, and colors are brought to sRGB. Raises Malformed, NotAnImage,
    TooLarge or OutOfRange; all name `field`.
    """
    image = _open(data, field)
    try:
        samples = _deep(data, image) if _is_deep(data, image) else _shallow(image)
    except _BROKEN as error:
        raise NotAnImage(
            "broken_image",
            f"{field} is a {image.format} picture that cannot be decoded: {error}",
            field,
        ) from error
    except imagecodecs.ImcdError as error:
        raise NotAnImage(
            "broken_image", f"{field} is a {image.format} picture that cannot be decoded", field
        ) from error
    values = torch.from_numpy(np.ascontiguousarray(samples.transpose(2, 0, 1)))
    alpha = values[3] if len(values) == 4 and bool((values[3] < 1).any()) else None
    return Picture(values[:3].contiguous(), alpha, hashlib.sha256(data).hexdigest())


def decode_mask(data: bytes, field: str) -> Tensor:
    """Reads a mask as [H, W] from 0 to 1: its brightness, less where it is transparent."""
    picture = decode(data, field)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    mask = (picture.pixels * weights).sum(0)
    return mask if picture.alpha is None else mask * picture.alpha


def resize(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Values [C, H, W] or [H, W] from 0 to 1 at another size: bicubic, antialiased, clamped."""
    if tuple(values.shape[-2:]) == shape:
        return values
    batch = values.reshape(1, -1, *values.shape[-2:])
    resized = F.interpolate(batch, size=shape, mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp_(0, 1).reshape(*values.shape[:-2], *shape)


def resize_picture(picture: Picture, shape: tuple[int, int]) -> Picture:
    """A picture at another size; colors are premultiplied, and none comes from nowhere.

    Transparent pixels take the color of the nearest one that is not.
    """
    if picture.alpha is None:
        return Picture(resize(picture.pixels, shape), None, picture.digest)
    alpha = resize(picture.alpha, shape)
    premultiplied = resize(picture.pixels * picture.alpha, shape)
    pixels = (premultiplied / alpha.clamp(min=1 / 255)).clamp_(0, 1)
    return Picture(_filled(pixels, alpha), alpha, picture.digest)


def encode(
    pixels: Tensor, alpha: Tensor | None, format: str, quality: int, record: Mapping[str, Any]
) -> bytes:
    """Writes pixels [3, H, W] from 0 to 1 with an sRGB profile and the record inside.

    JPEG has no transparency: it is laid on white.
    """
    text = json.dumps(record, separators=(",", ":"))
    if alpha is not None and format == "jpeg":
        pixels, alpha = pixels * alpha + (1 - alpha), None
    values = pixels if alpha is None else torch.cat([pixels, alpha[None]])
    deep = format.endswith("16")
    samples = to_samples(values, np.uint16 if deep else np.uint8)
    if format.startswith("tiff"):
        return _tiff(samples, text)
    if deep:
        return _deep_png(samples, text)
    return _with_pillow(Image.fromarray(samples), format, quality, text)


def encode_preview(pixels: Tensor) -> bytes:
    """Writes pixels [3, H, W] from 0 to 1 as a JPEG of middling quality."""
    data = io.BytesIO()
    Image.fromarray(to_samples(pixels, np.uint8)).save(data, "jpeg", quality=80)
    return data.getvalue()


def to_samples(values: Tensor, kind: type[np.unsignedinteger[Any]]) -> Samples:
    """Values [C, H, W] from 0 to 1 as whole numbers [H, W, C] of the full range of a type."""
    most = float(np.iinfo(kind).max)
    scaled = values.detach().cpu().permute(1, 2, 0).mul(most).round_().clamp_(0, most)
    return scaled.contiguous().numpy().astype(kind)


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
    except _BROKEN as error:
        raise NotAnImage(
            "not_an_image",
            f"{field} must be a PNG, JPEG, WebP, TIFF, BMP or GIF picture, "
            f"got {len(data)} bytes that are none",
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
    """Whether it has more than 8 bits a sample; Pillow reads such RGB files cut to 8."""
    if image.format == "PNG":
        return data[24] == 16
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return bool(max(bits) > 8)
    return image.mode in _DEEP_MODES


def _shallow(image: Image.Image) -> Samples:
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    image = _to_srgb(image, profile)
    if alpha is not None:
        image.putalpha(alpha)
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            # A profile that does not fit its own picture is common, and no reason to refuse.
            return image.convert("RGB")
        if converted is not None:
            return converted
    return image.convert("RGB")


def _deep(data: bytes, image: Image.Image) -> Samples:
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if image.format == "PNG":
        samples = np.asarray(imagecodecs.png_decode(data))
    else:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            samples = _channels_last(file.pages[0])
    samples = samples[..., None] if samples.ndim == 2 else samples
    values = _from_range(samples)
    rgb, alpha = _split(values)
    profile = image.info.get("icc_profile")
    if profile and rgb.shape[-1] == 3:
        rgb = _deep_to_srgb(rgb, profile)
    rgb = np.repeat(rgb, 3, axis=-1) if rgb.shape[-1] == 1 else rgb
    whole = rgb if alpha is None else np.concatenate([rgb, alpha], axis=-1)
    return _oriented(whole, orientation)


def _channels_last(page: Any) -> Samples:
    samples: Samples = page.asarray()
    if samples.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        samples = samples.transpose(1, 2, 0)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        samples = np.iinfo(samples.dtype).max - samples
    if page.photometric not in (
        tifffile.PHOTOMETRIC.MINISWHITE,
        tifffile.PHOTOMETRIC.MINISBLACK,
        tifffile.PHOTOMETRIC.RGB,
    ):
        raise ValueError(f"{page.photometric.name} of more than 8 bits is not read")
    return samples


def _from_range(samples: Samples) -> Samples:
    values = samples.astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        values /= np.float32(np.iinfo(samples.dtype).max)
    return np.nan_to_num(values).clip(0, 1)


def _split(values: Samples) -> tuple[Samples, Samples | None]:
    if values.shape[-1] in (2, 4):
        return values[..., :-1], values[..., -1:]
    if values.shape[-1] not in (1, 3):
        raise ValueError(f"{values.shape[-1]} channels are not read")
    return values, None


def _deep_to_srgb(rgb: Samples, profile: bytes) -> Samples:
    samples = np.ascontiguousarray((rgb * 65535).round().astype(np.uint16))
    try:
        converted = imagecodecs.cms_transform(samples, profile, srgb_profile())
    except imagecodecs.ImcdError:
        return rgb
    return np.asarray(converted).astype(np.float32) / np.float32(65535)


def _oriented(samples: Samples, orientation: int) -> Samples:
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _filled(pixels: Tensor, alpha: Tensor) -> Tensor:
    transparent = (alpha < 1 / 255).numpy()
    if not transparent.any() or transparent.all():
        return pixels
    rows, columns = distance_transform_edt(transparent, return_distances=False, return_indices=True)
    return pixels[:, torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]


def _with_pillow(image: Image.Image, format: str, quality: int, text: str) -> bytes:
    data = io.BytesIO()
    profile = srgb_profile()
    if format == "png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt(RECORD_KEYWORD, text)
        image.save(data, "png", pnginfo=info, icc_profile=profile)
        return data.getvalue()
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = text
    image.save(data, format, quality=quality, exif=exif, icc_profile=profile)
    return data.getvalue()


def _tiff(samples: Samples, text: str) -> bytes:
    data = io.BytesIO()
    tifffile.imwrite(
        data,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] if samples.shape[-1] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=srgb_profile(),
        description=text,
        metadata=None,
        software=None,
    )
    return data.getvalue()


def _deep_png(samples: Samples, text: str) -> bytes:
    """Pillow writes no 16-bit RGB and the codec no text: the chunks are put in behind IHDR."""
    plain = bytes(imagecodecs.png_encode(samples))
    header_end = 8 + 12 + 13
    profile = b"sRGB\0\0" + zlib.compress(srgb_profile())
    record = RECORD_KEYWORD.encode() + b"\0\1\0\0\0" + zlib.compress(text.encode())
    chunks = _chunk(b"iCCP", profile) + _chunk(b"iTXt", record)
    return plain[:header_end] + chunks + plain[header_end:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum
