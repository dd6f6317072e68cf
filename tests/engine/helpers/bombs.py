"""Small files that would take a decoder long, or much memory."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from files import flat, save, tiff, with_chunks

SMALL = flat("RGB", (40, 200, 120), (64, 64))


def many_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    plain = save(flat("RGB", (40, 200, 120), (side, side)), "jpeg", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:last] + plain[last:-2] * scans + plain[-2:]


def large_tile(side: int = 30000) -> bytes:
    """A picture of 64 x 64 px whose only tile is far larger; the tile is not there."""
    data = bytearray(tiff(np.zeros((64, 64, 3), np.uint8), photometric="rgb", tile=(64, 64)))
    _set_tags(data, {322: side, 323: side})
    return bytes(data)


def inflating_strip(size: int = 2**29) -> bytes:
    """16 bits of 64 x 64 px whose strip is that many zeros, deflated."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(size >> 20)) + packer.flush()
    data = bytearray(tiff(np.zeros((64, 64), np.uint16), compression="zlib"))
    _set_tags(data, {273: len(data), 279: len(packed)})
    return bytes(data) + packed


def _set_tags(data: bytearray, values: dict[int, int]) -> None:
    """Gives the tags of a TIFF's first directory other values."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        (number,) = struct.unpack_from("<H", data, entry)
        if number in values:
            struct.pack_into("<HHII", data, entry, number, 4, 1, values.pop(number))
    assert not values


def shared_tags(tags: int = 2000, size: int = 50_000) -> bytes:
    """EXIF, or a TIFF, of many tags that all name the same bytes."""
    entries = b"".join(struct.pack("<HHII", 40000 + i, 7, size, 8) for i in range(tags))
    directory = struct.pack("<H", tags) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + directory


def png_with_tags() -> bytes:
    return with_chunks(save(SMALL, "png"), (b"eXIf", shared_tags()))


def webp_with_tags() -> bytes:
    return save(SMALL, "webp", exif=b"Exif\0\0" + shared_tags())


def jpeg_with_tags() -> bytes:
    """EXIF in many segments, which belong together."""
    plain, whole = save(SMALL, "jpeg"), shared_tags()
    pieces = [b"Exif\0\0" + whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
    return plain[:2] + b"".join(map(_segment, pieces)) + plain[2:]


def jpeg_with_frames() -> bytes:
    """A JPEG that says that it is one of many, in tags that all name the same bytes."""
    plain = save(SMALL, "jpeg")
    return plain[:2] + _segment(b"MPF\0" + shared_tags(1000, 40_000), 0xE2) + plain[2:]


def many_chunks() -> bytes:
    return with_chunks(save(SMALL, "png"), *[(b"teSt", b"")] * 20_000)


def many_segments() -> bytes:
    plain = save(SMALL, "jpeg")
    return plain[:2] + _segment(b"", 0xEE) * 20_000 + plain[2:]


def junk_in_a_jpeg() -> bytes:
    plain = save(SMALL, "jpeg")
    return plain[:2] + bytes(2**17) + plain[2:]


def long_comment() -> bytes:
    """A GIF with a comment of 2 MiB, which is put together anew with each of its blocks."""
    plain = save(SMALL.quantize(4), "gif")
    at = plain.index(b",", 13 + 3 * 4)
    return plain[:at] + b"!\xfe" + (b"\xff" + bytes(255)) * 8224 + b"\0" + plain[at:]


def many_extensions() -> bytes:
    plain = save(SMALL.quantize(4), "gif")
    at = plain.index(b",", 13 + 3 * 4)
    return plain[:at] + b"!\x01\0" * 20_000 + plain[at:]


def junk_in_a_gif() -> bytes:
    plain = save(SMALL.quantize(4), "gif")
    at = plain.index(b",", 13 + 3 * 4)
    return plain[:at] + bytes(2**17) + plain[at:]


def many_frames() -> bytes:
    """A GIF of many frames, which is as good as one of the first alone."""
    frames = [Image.new("L", (64, 64), i % 256) for i in range(300)]
    data = io.BytesIO()
    frames[0].save(data, "gif", save_all=True, append_images=frames[1:])
    return data.getvalue()


def _segment(body: bytes, marker: int = 0xE1) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
