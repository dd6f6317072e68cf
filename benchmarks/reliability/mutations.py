"""Requests that nobody means well with, made from good ones."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image

import bombs
from reliability.jobs import picture

Form = list[tuple[str, tuple[str, bytes, str] | tuple[None, bytes]]]
FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "TIFF",
    "BMP",
    "GIF",
    "PPM",
    "ICO",
    "TGA",
    "PCX",
    "SGI",
    "JPEG2000",
)
OPTIONS = (
    "size",
    "steps",
    "alpha",
    "beta",
    "tv",
    "preset",
    "optimizer",
    "format",
    "style_weights",
)
VALUES = (
    "",
    "NaN",
    "Infinity",
    "-1",
    "1e400",
    "0x10",
    "[" * 5000,
    "\0",
    "\ud7ff",
    "9" * 400,
    "{}",
)
NAMES = (
    "../../etc/passwd",
    "content\0",
    "a" * 9000,
    "ключ",
    "style_0",
    "style_99",
    "__proto__",
    "",
)
ENCODINGS = ("utf-8", "utf-16", "utf-32", "latin-1", "cp037", "shift_jis", "utf-7")
HEADERS = {
    "Content-Encoding": ("gzip", "br", "deflate, gzip"),
    "Content-Language": ("\xff",),
    "Accept-Encoding": ("identity;q=0", "gzip"),
    "Accept-Charset": ("utf-7",),
    "Range": ("bytes=0-1",),
    "traceparent": ("00-0-0-0", "a" * 4000),
    "X-Forwarded-For": ("127.0.0.1, " * 300,),
}
BOMBS: tuple[Callable[[], bytes], ...] = (
    lambda: bombs.many_scans(3500),
    lambda: bombs.inflating_strip(2**27),
    bombs.large_tile,
    bombs.png_with_tags,
    bombs.webp_with_tags,
    bombs.jpeg_with_tags,
    bombs.jpeg_with_frames,
    bombs.many_chunks,
    bombs.many_segments,
    bombs.many_extensions,
    bombs.many_frames,
    bombs.long_comment,
    bombs.junk_in_a_jpeg,
    bombs.junk_in_a_gif,
)
BOMBS_SHARE = 0.03
QUICK = {"size": "64", "steps": "2", "levels": "1", "max_seconds": "5", "preview_every": "0"}


def hostile(rng: random.Random) -> tuple[Form, dict[str, str]]:
    """One form and its headers, wrong in one way or several; some are right."""
    form: Form = [("content", ("a", _file(rng), "image/png")), ("style", ("b", _file(rng), ""))]
    form += [(name, (None, value.encode())) for name, value in QUICK.items()]
    for _ in range(rng.choice((0, 1, 1, 2))):
        rng.choice(_CHANGES)(rng, form)
    headers = {"Accept": rng.choice(("text/event-stream", "image/png", "*/*", "\xff"))}
    if rng.random() < 0.1:
        name = rng.choice(list(HEADERS))
        headers[name] = rng.choice(HEADERS[name])
    return form, headers


def hostile_json(rng: random.Random) -> bytes:
    """A body that says that it is JSON."""
    deep: Any = rng.choice(("[" * 20_000, '{"a":' * 20_000, "NaN", '"', "\xff", "null", "1e999"))
    fields = {f"field_{i}": i for i in range(rng.choice((1, 10_000)))}
    many = json.dumps(fields).encode(rng.choice(ENCODINGS))
    return rng.choice((deep.encode("latin-1"), many, b""))


@cache
def _bomb(number: int) -> bytes:
    return BOMBS[number]()


def _file(rng: random.Random) -> bytes:
    if rng.random() < BOMBS_SHARE:
        return _bomb(rng.randrange(len(BOMBS)))
    data = io.BytesIO()
    image = Image.open(io.BytesIO(picture(rng.randrange(100), rng.choice((16, 40, 64, 200)))))
    mode = rng.choice(("RGB", "L", "RGBA", "CMYK", "P", "1", "I;16"))
    try:
        image.convert(mode).save(data, rng.choice(FORMATS))
    except (OSError, ValueError, KeyError):
        image.save(data, "PNG")
    return _wounded(rng, bytearray(data.getvalue())) if rng.random() < 0.7 else data.getvalue()


def _wounded(rng: random.Random, data: bytearray) -> bytes:
    """Bits are flipped, bytes lost, and lengths and sizes changed for large ones."""
    for _ in range(rng.choice((1, 2, 8))):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice((0, 65535, 2**31)))
        elif kind == 2:
            del data[at:]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        if not data:
            break
    return bytes(data)


def _option(rng: random.Random, form: Form) -> None:
    value = rng.choice(VALUES).encode(rng.choice(ENCODINGS), "replace")
    form.append((rng.choice(OPTIONS), (None, value)))


def _name(rng: random.Random, form: Form) -> None:
    form.append((rng.choice(NAMES), (None, b"x")))


def _many(rng: random.Random, form: Form) -> None:
    form += [(f"field_{i}", (None, b"x")) for i in range(rng.choice((100, 10_000)))]


def _missing(rng: random.Random, form: Form) -> None:
    form.pop(rng.randrange(len(form)))


def _more(rng: random.Random, form: Form) -> None:
    name = rng.choice(("canvas", "content_mask", "mask_1", "style_mask_1", "palette", "resume"))
    form.append((name, ("c", _file(rng), "application/json")))


_CHANGES: tuple[Callable[[random.Random, Form], None], ...] = (
    _option,
    _name,
    _many,
    _missing,
    _more,
)
