"""Pictures in every form a person may hold them in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bruno import InvalidInput
from bruno.inputs import read_picture

from .scripted_server import SIZE, Scripted, picture

TIMEOUT = (2.0, 2.0)


def pixels(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_paths_bytes_and_files(tmp_path: Path) -> None:
    data = picture()
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (path, str(path), data, file, io.BytesIO(data)):
            assert read_picture("content", source, TIMEOUT) == data


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_pil_images_of_any_mode(mode: str) -> None:
    image = Image.new(mode, SIZE)
    assert Image.open(io.BytesIO(read_picture("content", image, TIMEOUT))).size == SIZE


def test_pil_images_are_sent_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(picture(format="JPEG", exif=exif)))
    sent = read_picture("content", image, TIMEOUT)
    assert Image.open(io.BytesIO(sent)).size == SIZE[::-1]


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_arrays(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert (pixels(read_picture("content", array, TIMEOUT)) == array).all()
    floats = read_picture("content", array / np.float32(255), TIMEOUT)
    assert (pixels(floats) == array).all()


def test_boolean_arrays_are_masks() -> None:
    mask = np.array([[True, False], [False, True]])
    assert pixels(read_picture("mask_1", mask, TIMEOUT)).tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 5), 255.0), "content: an array of floats must hold values from 0 to 1"),
        (np.full((4, 5), np.nan), "from 0 to 1, got nan"),
        (np.zeros((3, 4, 5), np.uint8), r"got uint8 of shape \(3, 4, 5\)"),
        (np.zeros((4, 5), np.int64), "got int64 of shape"),
    ],
)
def test_arrays_that_are_no_pictures(array: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_picture("content", array, TIMEOUT)


def test_a_missing_file_is_one_sentence() -> None:
    with pytest.raises(InvalidInput, match=r"^style: no\.jpg cannot be read: No such file"):
        read_picture("style", "no.jpg", TIMEOUT)


@pytest.mark.parametrize("thing", [7, None, io.StringIO("text")])
def test_other_things_are_refused(thing: Any) -> None:
    with pytest.raises(InvalidInput, match=f"got {type(thing).__name__}"):
        read_picture("content", thing, TIMEOUT)


def test_urls_are_fetched_within_a_limit(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scripted.url}/picture.png"
    assert read_picture("content", url, TIMEOUT) == picture()
    monkeypatch.setattr("bruno.inputs.DOWNLOAD_BYTES", 20)
    with pytest.raises(InvalidInput, match="must be at most 20 bytes"):
        read_picture("content", url, TIMEOUT)


def test_urls_that_lead_nowhere(scripted: Scripted) -> None:
    with pytest.raises(InvalidInput, match="content: .*answered 404"):
        read_picture("content", f"{scripted.url}/nothing", TIMEOUT)
    with pytest.raises(InvalidInput, match="cannot be fetched: connection refused"):
        read_picture("content", "http://127.0.0.1:9/picture.png", TIMEOUT)
