"""The record that travels inside a painting."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from bruno import InvalidInputError, Painting, read_record
from bruno.sheet import thumbnail

from .scripted_server import picture

RECORD = {"options": {"beta": 50}, "seed": 7, "note": "ü"}


def noted(format: str) -> bytes:
    text = json.dumps(RECORD)
    how: dict[str, Any] = {}
    if format == "PNG":
        how["pnginfo"] = PngImagePlugin.PngInfo()
        how["pnginfo"].add_itxt("bruno", text)
    elif format == "TIFF":
        how["tiffinfo"] = {270: text}
    else:
        how["exif"] = Image.Exif()
        how["exif"][0x010E] = text
    return picture(format=format, **how)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_records_are_read_back(format: str, tmp_path: Path) -> None:
    data = noted(format)
    path = tmp_path / "painting"
    path.write_bytes(data)
    assert read_record(data) == read_record(path) == RECORD


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (picture(), "carries no record"),
        (b"text", "these bytes cannot be read as a picture"),
        (picture(format="TIFF", tiffinfo={270: "a holiday"}), "carries no record"),
        (picture(format="TIFF", tiffinfo={270: "[1]"}), "carries no record"),
    ],
)
def test_pictures_without_a_record(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_record(data)


def test_no_such_file() -> None:
    with pytest.raises(InvalidInputError, match="there is no file painting.png"):
        read_record("painting.png")


def test_a_truncated_painting_is_one_sentence() -> None:
    with pytest.raises(InvalidInputError, match="cannot be read as a picture"):
        read_record(noted("JPEG")[:-20])


@pytest.mark.parametrize("read", [read_record, lambda data: thumbnail(data, 16)])
def test_whatever_a_decoder_raises_is_one_sentence(read: Callable[[bytes], object]) -> None:
    # A header of 13 bytes that says it has 1: Pillow's ValueError, which is no OSError.
    broken = picture().replace(b"\0\0\0\rIHDR", b"\0\0\0\1IHDR")
    with pytest.raises(InvalidInputError, match="cannot be read as a picture"):
        read(broken)


def test_a_deep_picture_is_no_white_thumbnail() -> None:
    file = io.BytesIO()
    Image.new("I;16", (32, 32), 128 * 257).save(file, "PNG")
    assert thumbnail(file.getvalue(), 16).getpixel((8, 8)) == (128, 128, 128)


def a_painting(media_type: str = "image/png") -> Painting:
    return Painting(b"as the server made it", media_type, 64, 48, {})


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("image/png", "a.png"),
        ("image/png", "a.PNG"),
        ("image/jpeg", "a.jpg"),
        ("image/jpeg", "a.jpeg"),
        ("image/webp", "a.webp"),
        ("image/tiff", "a.tif"),
        ("image/png", "a"),
        ("image/png", "a.part"),
    ],
)
def test_saved_as_the_server_made_it(media_type: str, name: str, tmp_path: Path) -> None:
    a_painting(media_type).save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"as the server made it"


@pytest.mark.parametrize(
    ("media_type", "name", "format"),
    [
        ("image/png", "a.jpg", "jpeg"),
        ("image/png", "a.WebP", "webp"),
        ("image/jpeg", "a.png", "png"),
        ("image/webp", "a.tiff", "tiff"),
    ],
)
def test_a_suffix_of_another_format_is_refused(
    media_type: str, name: str, format: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=f'paint with format="{format}"') as caught:
        a_painting(media_type).save(tmp_path / name)
    assert str(caught.value).startswith(f"{name} would hold {media_type}: ")
    assert list(tmp_path.iterdir()) == []
