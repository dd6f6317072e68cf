"""What is no picture, or a broken one, is refused by name; no bytes bring anything else about."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from files import chunks_of, flat, png16, save, tiff
from painter.errors import Malformed, NotAnImage, OutOfRange, PaintError, TooLarge
from painter.pictures.decoding import PIXELS_MOST
from painter.pictures.encoding import MEDIA_TYPES, encode
from painter.pictures.picture import decode
from painter.planning.plan import make_plan
from pictures import request

RGB = flat("RGB", (40, 200, 120), (40, 30))


def _refused(data):
    with pytest.raises(PaintError) as caught:
        decode(data, "style_2")
    error = caught.value
    assert error.field == "style_2"
    assert error.detail.startswith("style_2 ")
    return error


def test_an_empty_picture_is_malformed():
    error = _refused(b"")
    assert isinstance(error, Malformed)
    assert error.code == "empty_image"
    assert "0 bytes" in error.detail


@pytest.mark.parametrize(
    "data",
    [
        b"hello" * 50,
        b"\0" * 64,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7 " * 9,
        save(RGB, "jpeg2000"),
        save(RGB, "ico"),
        save(RGB, "ppm"),
        save(RGB, "png")[:20],
    ],
    ids=["text", "zeros", "svg", "pdf", "jpeg2000", "ico", "ppm", "header"],
)
def test_what_is_no_picture_is_not_an_image(data):
    error = _refused(data)
    assert isinstance(error, NotAnImage)
    assert error.code == "not_an_image"
    assert f"{len(data)} bytes" in error.detail


def _noise(format):
    return encode(torch.rand(3, 32, 40), None, format, 90, {})


@pytest.mark.parametrize(
    "data",
    [*map(_noise, MEDIA_TYPES), save(RGB, "bmp"), save(RGB.effect_spread(9), "gif")],
    ids=[*MEDIA_TYPES, "bmp", "gif"],
)
def test_half_a_picture_is_broken(data):
    error = _refused(data[: len(data) * 2 // 3])
    assert isinstance(error, NotAnImage)
    assert error.code in ("broken_image", "not_an_image")


def test_a_broken_picture_says_of_what_kind():
    error = _refused(_noise("png")[:-900])
    assert error.code == "broken_image"
    assert "PNG" in error.detail


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (4000, 8)])
def test_a_tiny_picture_is_too_small(size):
    error = _refused(save(flat("RGB", 0, size), "png"))
    assert isinstance(error, OutOfRange)
    assert error.code == "image_too_small"
    assert "16 px" in error.detail
    assert f"{size[0]} x {size[1]}" in error.detail


def _claims(width, height, bits):
    """A PNG that claims to be large and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    plain = png16(np.zeros((16, 16, 3)))
    assert len(chunks_of(plain)[b"IHDR"]) == len(header)
    body = b"IHDR" + header
    return plain[:12] + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]


@pytest.mark.parametrize(
    "data",
    [
        _claims(2**31 - 1, 2**31 - 1, 8),
        _claims(8193, 8192, 16),
        save(flat("1", 0, (8193, 8192)), "tiff", compression="group4"),
        save(RGB, "gif").replace(struct.pack("<HH", 40, 30), b"\xff" * 4),
        save(RGB, "bmp").replace(struct.pack("<ii", 40, 30), struct.pack("<ii", 40000, 30000)),
    ],
    ids=["png", "png16", "tiff", "gif", "bmp"],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(data):
    error = _refused(data)
    assert isinstance(error, TooLarge)
    assert error.code == "image_too_large"
    assert str(PIXELS_MOST) in error.detail


def test_a_volume_is_refused():
    cube = np.zeros((16, 32, 32), np.uint16)
    error = _refused(tiff(cube, volumetric=True, tile=(16, 16, 16), photometric="minisblack"))
    assert error.code == "broken_image"


KINDS = {
    **{format: _noise(format) for format in MEDIA_TYPES},
    "gif": save(RGB.effect_spread(9), "gif"),
    "bmp": save(RGB, "bmp"),
    "cmyk": save(RGB.convert("CMYK"), "jpeg"),
    "lzw": save(RGB, "tiff", compression="tiff_lzw"),
}


def _wounded(data, rng):
    """A file with some bytes changed, lost or added, mostly near its beginning."""
    wounded = bytearray(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.5 else data)
    for _ in range(rng.choice((0, 1, 2, 8))):
        at = rng.randrange(min(len(wounded), rng.choice((64, 512, 10**6))))
        kind = rng.randrange(3)
        if kind == 0:
            wounded[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif kind == 1 and len(wounded) > 8:
            del wounded[at : at + rng.randrange(1, 5)]
        else:
            wounded[at:at] = rng.randbytes(rng.randrange(1, 5))
    return bytes(wounded)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_no_bytes_raise_anything_but_a_paint_error(kind):
    rng = random.Random(kind)  # noqa: S311
    fields = []
    for _ in range(60):
        try:
            picture = decode(_wounded(KINDS[kind], rng), "content")
        except PaintError as error:
            fields.append(error.field)
        else:
            assert torch.isfinite(picture.pixels).all()
    assert set(fields) == {"content"}


def test_pictures_that_are_too_large_together_are_refused_before_they_are_decoded():
    large = io.BytesIO()
    Image.new("L", (8000, 8000)).save(large, "png")
    with pytest.raises(TooLarge, match="together") as refused:
        make_plan(request(content=large.getvalue(), styles=[large.getvalue()] * 2))
    assert refused.value.code == "image_too_large"
