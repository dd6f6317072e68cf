"""The canvas that forms, as a film."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from PIL import Image, ImageSequence

from bruno.studio.lapse import SIDE, Film, time_lapse


def jpeg(shade: int, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(file, "JPEG")
    return file.getvalue()


def filmed(*frames: bytes) -> Film:
    film = Film()
    for frame in frames:
        film = film.after(frame)
    return film


def test_a_film_ends_with_the_painting() -> None:
    film = filmed(jpeg(0), jpeg(80, (20, 15)), jpeg(160))
    image = Image.open(io.BytesIO(time_lapse(film, jpeg(250, (1200, 900)))))
    assert (image.format, image.size) == ("WEBP", (SIDE, SIDE * 3 // 4))
    frames = [frame.convert("L").getpixel((9, 9)) for frame in ImageSequence.Iterator(image)]
    assert frames == pytest.approx([0, 80, 160, 250], abs=4)


def test_few_frames_stay_evenly_spread() -> None:
    frames = [jpeg(number % 256) + bytes([number // 256]) for number in range(400)]
    film = filmed(*frames)
    assert 48 <= len(film.frames) <= 96
    places = [frames.index(frame) for frame in film.frames]
    assert {after - before for before, after in pairwise(places)} == {8}
    assert places[0] == 0
    assert places[-1] >= 400 - 8


def test_few_bytes_stay() -> None:
    large = filmed(*(bytes(2**20) for _ in range(40)))
    assert large.size <= 8 * 2**20
    assert filmed(bytes(2**24)).frames
