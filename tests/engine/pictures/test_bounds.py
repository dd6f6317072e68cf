"""What a small file declares beyond its size is refused before any decoder is asked."""

from __future__ import annotations

import pytest

import bombs
from painter.errors import OutOfRange
from painter.pictures import decoding
from painter.pictures.bounds import PARTS_MOST, SCANS_MOST
from painter.pictures.decoding import read_header, read_planes

REFUSED = {
    "scans": (bombs.many_scans(3500), "style must have at most 100 scans, got 101"),
    "a tile": (
        bombs.large_tile(),
        "style must have at most 4202496 pixels in its tiles, as it has 64 x 64, got 900000000",
    ),
    "tags": (bombs.shared_tags(), "bytes of tags, as it is so long itself"),
    "tags in a PNG": (bombs.png_with_tags(), "bytes of tags"),
    "tags in a WebP": (bombs.webp_with_tags(), "bytes of tags"),
    "tags in a JPEG": (bombs.jpeg_with_tags(), "bytes of tags"),
    "frames of a JPEG": (bombs.jpeg_with_frames(), "bytes of tags"),
    "tags, small ones": (bombs.shared_tags(5000, 4), "style must have at most 4096 tags, got 4097"),
    "chunks": (bombs.many_chunks(), f"at most {PARTS_MOST} chunks before its pixels, got 10001"),
    "segments": (bombs.many_segments(), f"at most {PARTS_MOST} segments, got 10001"),
    "junk in a JPEG": (bombs.junk_in_a_jpeg(), "at most 65536 bytes between segments, got 131072"),
    "a comment": (bombs.long_comment(), "at most 1048576 bytes of comments, got 1048815"),
    "extensions": (bombs.many_extensions(), f"at most {PARTS_MOST} blocks before its pixels"),
    "junk in a GIF": (bombs.junk_in_a_gif(), "at most 65536 bytes between blocks, got 131072"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bomb_is_refused_before_a_decoder_sees_it(kind, monkeypatch):
    data, why = REFUSED[kind]
    assert len(data) < 3 * 2**20
    monkeypatch.delattr(decoding, "Image")
    with pytest.raises(OutOfRange) as caught:
        read_header(data, "style")
    assert (caught.value.code, caught.value.field) == ("image_too_costly", "style")
    assert why in caught.value.detail


ALLOWED = {
    "scans": bombs.many_scans(SCANS_MOST - 20),
    "a tile": bombs.large_tile(256),
    "frames": bombs.many_frames(),
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_is_within_the_bounds_is_read(kind):
    assert read_header(ALLOWED[kind], "style").shape == (64, 64)


@pytest.mark.parametrize("kind", ["scans", "frames"])
def test_what_is_within_the_bounds_is_decoded(kind):
    assert read_planes(ALLOWED[kind], "style").shape == (3, 64, 64)
