"""Pictures with more than 8 bits a sample become 16 bits of sRGB, band by band."""

from __future__ import annotations

import io
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from painter.pictures.profiles import srgb_profile
from painter.pictures.samples import Samples, bands

_MOST: Final = 65535
_TIFF_BITS: Final = 258
_TIFF_PHOTOMETRIC: Final = 262
_PHOTOMETRICS: Final = (
    tifffile.PHOTOMETRIC.MINISWHITE,
    tifffile.PHOTOMETRIC.MINISBLACK,
    tifffile.PHOTOMETRIC.RGB,
)


def is_deep(data: bytes, image: Image.Image) -> bool:
    """Whether it has more than 8 bits a sample and is read so; Pillow cuts RGB to 8."""
    if image.format == "PNG":
        return data[24] == 16
    tags = getattr(image, "tag_v2", {})
    return max(tags.get(_TIFF_BITS, (8,))) > 8 and tags[_TIFF_PHOTOMETRIC] in _PHOTOMETRICS


def read_deep(data: bytes, image: Image.Image) -> Samples:
    """The samples [H, W, C] of 16 bits: sRGB (or gray, C < 3), and straight alpha where it has."""
    if image.format == "PNG":
        values = _with_channels(np.asarray(imagecodecs.png_decode(data)))
    else:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            values = _from_page(file.pages[0])
    profile = image.info.get("icc_profile")
    return _to_srgb(values, profile) if profile else values


def _from_page(page: Any) -> Samples:
    if page.imagedepth != 1:
        raise ValueError("a volume is not read")
    samples: Samples = page.asarray(maxworkers=1)
    if samples.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        samples = samples.transpose(1, 2, 0)
    values = _with_channels(samples)
    kind = next(iter(page.extrasamples), None)
    is_inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    is_premultiplied = kind == tifffile.EXTRASAMPLE.ASSOCALPHA
    if kind == tifffile.EXTRASAMPLE.UNSPECIFIED:
        values = values[..., :-1]
    is_ready = values.dtype == np.uint16 and page.bitspersample == 16
    if is_ready and not (is_inverted or is_premultiplied):
        return values
    whole = values if values.dtype == np.uint16 else np.empty(values.shape, np.uint16)
    for band in bands(*values.shape[:2]):
        shares = _from_range(values[band], page.bitspersample)
        if is_inverted:
            shares = 1 - shares
        if is_premultiplied:
            colors, alpha = shares[..., :-1], shares[..., -1:]
            np.divide(colors, alpha, where=alpha > 0, out=colors)
        whole[band] = (shares.clip(0, 1) * _MOST).round()
    return whole


def _with_channels(samples: Samples) -> Samples:
    """Gray or three colors and at most one alpha channel; what is beyond that is left out."""
    if samples.ndim == 2:
        return samples[..., None]
    return samples if samples.shape[-1] <= 4 else samples[..., :3]


def _from_range(samples: Samples, bits: int) -> Samples:
    values = samples.astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        values /= np.float32(np.iinfo(samples.dtype).max >> (8 * samples.itemsize - bits))
    return np.nan_to_num(values).clip(0, 1)


def _to_srgb(values: Samples, profile: bytes) -> Samples:
    """The same in sRGB: in place where it has three colors, beside it where it is gray."""
    alphas = 1 - values.shape[-1] % 2
    is_gray = values.shape[-1] - alphas == 1
    converted = np.empty((*values.shape[:2], 3 + alphas), np.uint16) if is_gray else values
    for band in bands(*values.shape[:2]):
        colors = values[band][..., 0] if is_gray else values[band][..., :3]
        try:
            converted[band][..., :3] = imagecodecs.cms_transform(
                np.ascontiguousarray(colors),
                profile,
                srgb_profile(),
                colorspace="minisblack" if is_gray else "rgb",
                outcolorspace="rgb",
            )
        except imagecodecs.CmsError:
            return values  # one that does not fit its own picture is common, and left out
        if is_gray:
            converted[band][..., 3:] = values[band][..., 1:]
    return converted
