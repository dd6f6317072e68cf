"""Pictures are written: tensors become bytes of a file that tells how it was made."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
import torch
from PIL import Image
from torch import Tensor

from painter.pictures.profiles import srgb_profile
from painter.pictures.samples import Samples

MEDIA_TYPES: Final = {
    "png": "image/png",
    "png16": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "tiff16": "image/tiff",
}
RECORD_KEYWORD: Final = "bruno"
# Brush strokes hold few strings that come again, so no more than runs are looked for: beside zlib's
# level 3, it takes half of the time, and as many bytes.
_PNG_STRATEGY: Final = imagecodecs.PNG.STRATEGY.RLE
_EXIF_DESCRIPTION: Final = 0x010E


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
    if format.startswith("png"):
        return _png(samples, text)
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


def _with_pillow(image: Image.Image, format: str, quality: int, text: str) -> bytes:
    data = io.BytesIO()
    profile = srgb_profile()
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


def _png(samples: Samples, text: str) -> bytes:
    """The codec takes 16 bits, as Pillow does not, and is faster; its file gets profile and text.

    They are put in as chunks behind the header.
    """
    plain = bytes(imagecodecs.png_encode(samples, strategy=_PNG_STRATEGY))
    header_end = 8 + 12 + 13
    profile = b"sRGB\0\0" + zlib.compress(srgb_profile())
    record = RECORD_KEYWORD.encode() + b"\0\1\0\0\0" + zlib.compress(text.encode())
    chunks = _chunk(b"iCCP", profile) + _chunk(b"iTXt", record)
    return plain[:header_end] + chunks + plain[header_end:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum
