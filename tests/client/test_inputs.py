"""Pictures in every form a person may hold them in."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from bruno import InvalidInputError
from bruno.inputs import read_picture
from painter.pictures.decoding import read_planes

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
    with pytest.raises(InvalidInputError, match=words):
        read_picture("content", array, TIMEOUT)


def test_a_missing_file_is_one_sentence() -> None:
    with pytest.raises(InvalidInputError, match=r"^style: no\.jpg cannot be read: No such file"):
        read_picture("style", "no.jpg", TIMEOUT)


class LooksLikeAnArray:
    __array_interface__: ClassVar = {"shape": (4, 4), "typestr": "|u1", "version": 3}


@pytest.mark.parametrize("thing", [7, None, io.StringIO("text"), LooksLikeAnArray()])
def test_other_things_are_refused(thing: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"got {type(thing).__name__}"):
        read_picture("content", thing, TIMEOUT)


def test_urls_are_fetched_within_a_limit(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scripted.url}/picture.png"
    assert read_picture("content", url, TIMEOUT) == picture()
    monkeypatch.setattr("bruno.download.DOWNLOAD_BYTES", 20)
    with pytest.raises(InvalidInputError, match="must be at most 20 bytes"):
        read_picture("content", url, TIMEOUT)


def test_urls_that_lead_nowhere(scripted: Scripted) -> None:
    with pytest.raises(InvalidInputError, match="content: .*answered 404"):
        read_picture("content", f"{scripted.url}/nothing", TIMEOUT)
    with pytest.raises(InvalidInputError, match="cannot be fetched: connection refused"):
        read_picture("content", "http://127.0.0.1:9/picture.png", TIMEOUT)
    with pytest.raises(InvalidInputError, match="cannot be fetched: an address is like"):
        read_picture("content", "http://a..b/picture.png", TIMEOUT)


GRAY, COLOR = (124, 124, 124), (200, 100, 50)


def as_the_server_reads_it(image: Image.Image) -> Any:
    """The middle pixel of what is sent, from 0 to 255."""
    planes = read_planes(read_picture("content", image, TIMEOUT), "content")
    pixel = planes[:, planes.shape[1] // 2, planes.shape[2] // 2]
    return pixel / (1 if planes.dtype == np.uint8 else 257)


def in_mode(mode: str) -> Image.Image:
    """A picture in a mode of Pillow's: gray of 124, or a color, half transparent where it can."""
    see_through = Image.new("RGBA", SIZE, (*COLOR, 128))
    if mode in ("F", "I"):
        return Image.new("L", SIZE, GRAY[0]).convert(mode)
    if mode == "PA":
        return see_through.quantize(8).convert("PA")
    if mode == "La":
        return Image.new("LA", SIZE, (GRAY[0], 128)).convert("La")
    return (see_through if mode in ("RGBA", "RGBa") else see_through.convert("RGB")).convert(mode)


@pytest.mark.parametrize(
    ("mode", "seen"),
    [
        ("F", GRAY),
        ("I", GRAY),
        ("PA", (*COLOR, 128)),
        ("RGBa", (*COLOR, 128)),
        ("La", (*GRAY, 128)),
        ("CMYK", COLOR),
        ("HSV", COLOR),
        ("YCbCr", COLOR),
    ],
)
def test_pil_images_of_any_mode_arrive_as_they_look(mode: str, seen: tuple[int, ...]) -> None:
    assert as_the_server_reads_it(in_mode(mode)) == pytest.approx(seen, abs=1)


def test_a_cmyk_image_keeps_its_profile() -> None:
    image = Image.new("CMYK", SIZE)
    image.info["icc_profile"] = b"of a printer"
    sent = Image.open(io.BytesIO(read_picture("content", image, TIMEOUT)))
    assert (sent.mode, sent.info["icc_profile"]) == ("CMYK", b"of a printer")


@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [
        ("F", 0.5, 127.5),
        ("F", 100.25, 100.25),
        ("I", 65535, 255),
        ("I;16", 32896, 128),
        ("I;16B", 128, 128 / 257),
    ],
)
def test_deep_pil_images_keep_their_depth(mode: str, value: float, seen: float) -> None:
    image = Image.new(mode, SIZE, value)
    assert as_the_server_reads_it(image) == pytest.approx([seen] * 3, abs=0.01)


@pytest.mark.parametrize(("mode", "value"), [("F", -0.5), ("F", 256.0), ("I", -1), ("I", 65536)])
def test_deep_pil_images_beyond_every_scale_are_refused(mode: str, value: float) -> None:
    with pytest.raises(
        InvalidInputError, match=f"^content: .* mode {mode} must hold .*, got {value:g}"
    ):
        read_picture("content", Image.new(mode, SIZE, value), TIMEOUT)


def test_a_truncated_pil_image_is_one_sentence() -> None:
    noise = Image.effect_noise((400, 300), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "JPEG")
    image = Image.open(io.BytesIO(file.getvalue()[:2000]))
    with pytest.raises(InvalidInputError, match=r"^content: the image cannot be read: .*truncated"):
        read_picture("content", image, TIMEOUT)


def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture(format="JPEG"))
    with (
        path.open(encoding="utf-8") as text,
        pytest.raises(InvalidInputError, match="in binary mode"),
    ):
        read_picture("content", text, TIMEOUT)  # type: ignore[arg-type]
    with path.open("rb") as file:
        file.read()
        with pytest.raises(InvalidInputError, match="content: nothing is left to be read"):
            read_picture("content", file, TIMEOUT)
    with pytest.raises(InvalidInputError, match="content: the file cannot be read: .*closed"):
        read_picture("content", file, TIMEOUT)
    with pytest.raises(InvalidInputError, match="content: .* cannot be read: .*null"):
        read_picture("content", "photo\0.jpg", TIMEOUT)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(path, "photo.jpg")
    damaged = bytearray((tmp_path / "photos.zip").read_bytes())
    damaged[60] ^= 255
    with (
        zipfile.ZipFile(io.BytesIO(damaged)) as archive,
        archive.open("photo.jpg") as member,
        pytest.raises(InvalidInputError, match="content: the file cannot be read: .*CRC"),
    ):
        read_picture("content", member, TIMEOUT)  # type: ignore[arg-type]


def test_paths_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"as it is")
    with os.scandir(os.fsencode(tmp_path)) as entries:
        (entry,) = entries
    assert read_picture("content", entry, TIMEOUT) == b"as it is"  # type: ignore[arg-type]
