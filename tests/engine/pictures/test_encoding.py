"""Pictures go out with a profile and their record, and as deep as was asked for."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from files import chunks_of, ramp
from painter.pictures.encoding import MEDIA_TYPES, encode, encode_preview, to_samples
from painter.pictures.picture import decode, resize
from painter.pictures.profiles import srgb_profile

RECORD = {"software": "bruno", "options": {"color": "match"}, "seed": 7, "note": "Ä … \u4e2d"}
DEEP = ("png16", "tiff16")


def _pixels(height=32, width=48):
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([x, y, (x + y) / 2])


def _alpha(height=32, width=48):
    return torch.linspace(0.2, 1, width).expand(height, width)


def _read(data, format):
    """The record within a file, by a reader that is not ours."""
    image = Image.open(io.BytesIO(data))
    if format.startswith("png"):
        image.load()
        return image.text["bruno"]
    if format.startswith("tiff"):
        return image.tag_v2[270]
    return image.getexif()[0x010E]


@pytest.mark.parametrize("alpha", [None, _alpha()], ids=["opaque", "alpha"])
@pytest.mark.parametrize("format", MEDIA_TYPES)
def test_every_format_holds_pixels_profile_and_record(format, alpha):
    data = encode(_pixels(), alpha, format, 95, RECORD)
    image = Image.open(io.BytesIO(data))
    assert image.info["icc_profile"] == srgb_profile()
    assert Image.MIME[image.format] == MEDIA_TYPES[format]
    assert json.loads(_read(data, format)) == RECORD
    picture = decode(data, "content")
    keeps_alpha = alpha is not None and format != "jpeg"
    assert (picture.alpha is not None) == keeps_alpha
    if keeps_alpha:
        torch.testing.assert_close(picture.alpha, alpha, rtol=0, atol=0.01)
    laid = _pixels() if alpha is None or keeps_alpha else _pixels() * alpha + 1 - alpha
    assert float((picture.pixels - laid).abs().mean()) < 0.01


@pytest.mark.parametrize("format", DEEP)
def test_sixteen_bits_survive_a_round_trip(format):
    gray = torch.from_numpy(ramp().astype("float32") / 65535).expand(3, -1, -1)
    found = decode(encode(gray, None, format, 92, RECORD), "content").pixels
    assert len(found[1, 0].unique()) == 2048
    torch.testing.assert_close(found, gray, rtol=0, atol=1 / 65535)


@pytest.mark.parametrize("format", DEEP)
def test_sixteen_bit_alpha_survives_a_round_trip(format):
    alpha = torch.linspace(0.1, 1, 2048).expand(32, -1)
    picture = decode(encode(torch.rand(3, 32, 2048), alpha, format, 92, RECORD), "content")
    torch.testing.assert_close(picture.alpha, alpha, rtol=0, atol=1 / 65535)


@pytest.mark.parametrize("format", sorted(set(MEDIA_TYPES) - set(DEEP)))
def test_other_formats_have_eight_bits(format):
    gray = torch.from_numpy(ramp().astype("float32") / 65535).expand(3, -1, -1)
    found = decode(encode(gray, None, format, 100, RECORD), "content").pixels
    assert len(found[1, 0].unique()) <= 256


def test_jpeg_is_laid_on_white():
    data = encode(torch.zeros(3, 32, 32), torch.zeros(32, 32), "jpeg", 95, RECORD)
    assert float(decode(data, "content").pixels.min()) > 0.98


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_quality_makes_files_larger(format):
    pixels = resize(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)), (64, 64))
    sizes = [len(encode(pixels, None, format, quality, {})) for quality in (10, 60, 100)]
    assert sizes == sorted(set(sizes))


def test_a_deep_png_has_its_text_before_its_pixels_and_compresses_it():
    record = {"layers": {f"conv{index}": 0.123456789 for index in range(300)}}
    data = encode(_pixels(), None, "png16", 92, record)
    chunks = chunks_of(data)
    assert list(chunks)[:3] == [b"IHDR", b"iCCP", b"iTXt"]
    assert len(chunks[b"iTXt"]) < len(json.dumps(record)) / 2


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_the_longest_record_fits_into_exif(format):
    record = {f"layer {index}": "x" * 100 for index in range(500)}
    assert json.loads(_read(encode(_pixels(), None, format, 92, record), format)) == record


def test_a_deep_tiff_says_that_its_alpha_is_straight():
    data = encode(_pixels(), _alpha(), "tiff16", 92, RECORD)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages[0].extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        assert file.pages[0].dtype == "uint16"


def test_samples_are_rounded_and_clamped():
    values = torch.tensor([-0.5, 0.0, 0.5019, 1.0, 1.5]).view(1, 1, 5)
    assert to_samples(values, np.uint8).tolist() == [[[0], [0], [128], [255], [255]]]


def test_a_preview_is_a_jpeg():
    image = Image.open(io.BytesIO(encode_preview(_pixels())))
    assert image.format == "JPEG"
    assert image.size == (48, 32)
