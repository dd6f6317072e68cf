"""What a file declares beside its pixels is counted before a decoder is asked to read it.

A decoder believes what it reads: small files make it read the same bytes again and again, or
make room for what they do not hold. Only the first frame of a file is ever read, so that others
cost nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from painter.errors import OutOfRange
from painter.pictures.tags import TIFF_MAGIC, check_tags, check_tiff

SCANS_MOST: Final = 100
# Segments, chunks and blocks of a file before its pixels; decoders read each in slow code.
PARTS_MOST: Final = 10_000
COMMENT_MOST: Final = 2**20
JUNK_MOST: Final = 2**16

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_SCAN, _END = 0xDA, 0xD9
_EXIF: Final = b"Exif\0\0"
_MULTI: Final = b"MPF\0"
_ALONE: Final = (0x01, 0xD8, _END)
_GIF_PART: Final = re.compile(rb"[!,;]")
# In a scan every 0xff is followed by 0, a restart or a fill byte, unless it ends there.
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)


def check_declared(data: bytes, field: str) -> None:
    """Raises OutOfRange where reading a file would take more than its size accounts for.

    `field`, the bound and what was found are named. What is broken, or no picture at all, is left
    to those who read it.
    """
    try:
        if data.startswith(_PNG):
            _check_png(data, field)
        elif data.startswith(_JPEG):
            _check_jpeg(data, field)
        elif data.startswith(b"GIF8"):
            _check_gif(data, field)
        elif data.startswith(b"RIFF"):
            _check_webp(data, field)
        elif data.startswith(TIFF_MAGIC):
            check_tiff(data, field)
    except (struct.error, IndexError):
        return


def _check_png(data: bytes, field: str) -> None:
    for number, (kind, body) in enumerate(_chunks(data, 8, ">I4s", 4)):
        _check_most(field, "chunks before its pixels", number, PARTS_MOST)
        if kind == b"IDAT":
            return
        if kind == b"eXIf":
            check_tags(bytes(body), field)


def _check_webp(data: bytes, field: str) -> None:
    for number, (kind, body) in enumerate(_chunks(data, 12, "<4sI", 0)):
        _check_most(field, "chunks", number, PARTS_MOST)
        if kind == b"EXIF":
            check_tags(bytes(body), field)


def _chunks(data: bytes, at: int, layout: str, after: int) -> Iterator[tuple[bytes, memoryview]]:
    """The kinds and bodies of a file's chunks; `after` bytes follow each, and RIFF's are even."""
    view = memoryview(data)
    while at < len(data):
        head = struct.unpack_from(layout, data, at)
        kind, length = head if isinstance(head[0], bytes) else head[::-1]
        at += struct.calcsize(layout)
        yield kind, view[at : at + length]
        at += length + (after or length % 2)


def _check_jpeg(data: bytes, field: str) -> None:
    """Counts scans up to the end of the first picture, and what describes it."""
    exif, scans, junk = bytearray(), 0, 0
    for number, (marker, body, before) in enumerate(_segments(data)):
        _check_most(field, "segments", number, PARTS_MOST)
        junk += 0 if scans else before
        _check_most(field, "bytes between segments", junk, JUNK_MOST)
        if marker == _SCAN:
            scans += 1
            _check_most(field, "scans", scans, SCANS_MOST)
        elif body.startswith(_EXIF):
            exif += body.removeprefix(_EXIF)
        elif body.startswith(_MULTI):
            check_tags(body.removeprefix(_MULTI), field)
    check_tags(bytes(exif), field)


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """A JPEG's segments up to its end: markers, bodies, and how many bytes lie before each."""
    at = 2
    while at < len(data):
        found, before = _MARKER.search(data, at), at
        at = found.end() if found else len(data)
        marker = found[1][0] if found else _END
        length = 0 if marker in _ALONE else int.from_bytes(data[at : at + 2], "big")
        yield marker, data[at + 2 : at + length], at - before - 2
        if marker == _END:
            return
        at += length


def _check_gif(data: bytes, field: str) -> None:
    """Counts the blocks of all extensions before the first frame."""
    flags = data[10]
    at, blocks, held = 13 + (3 << (flags & 7) + 1 if flags & 128 else 0), 0, 0
    while at < len(data):
        match = _GIF_PART.search(data, at)
        start = match.start() if match else len(data)
        _check_most(field, "bytes between blocks", start - at, JUNK_MOST)
        if not match or match[0] != b"!":
            return
        at = start + 2
        while length := data[at]:
            at, blocks, held = at + length + 1, blocks + 1, held + length
            _check_most(field, "bytes of comments", held, COMMENT_MOST)
        at, blocks = at + 1, blocks + 1
        _check_most(field, "blocks before its pixels", blocks, PARTS_MOST)


def _check_most(field: str, what: str, found: int, most: int) -> None:
    if found > most:
        raise OutOfRange(
            "image_too_costly", f"{field} must have at most {most} {what}, got {found}", field
        )
