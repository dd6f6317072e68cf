"""Forms that TorchServe's own decoder cannot take apart: it keeps them, or finds nothing."""

from __future__ import annotations

import gzip

from .forms import CONTENT, FORM, STYLE, form, part

MIXED = b"Content-Type: multipart/mixed\r\n"
GOOD = form(CONTENT, STYLE)

# Each with its Content-Type and its body, of which no picture can be read.
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a part within a part, without a boundary": (FORM, form(part("content", b"1" * 5000, MIXED))),
    "the same as a file": (FORM, form(part("content", b"1" * 5000, MIXED, file=True))),
    "another boundary": ("multipart/form-data; boundary=y", GOOD),
    "no boundary": ("multipart/form-data", GOOD),
    "an empty boundary": ("multipart/form-data; boundary=", GOOD),
    "a cut form": (FORM, GOOD[:-200]),
    "a compressed form": (FORM, gzip.compress(GOOD)),
    "the beginning again and again": (FORM, CONTENT[:60] * 500),
    "no line ends": (FORM, GOOD.replace(b"\r\n", b"")),
    "a huge name": (FORM, form(CONTENT, STYLE, part("a" * 100_000, b"1"))),
    "an unknown charset": (FORM, form(part("seed", b"x", b"Content-Type: a/b; charset=c\r\n"))),
}
# These two can be read, and name a field that there is not.
NAMELESS: dict[str, tuple[str, bytes]] = {
    "an empty name": (FORM, form(part("", b"1"))),
    "an empty name of a file": (FORM, form(part("", b"1" * 5000, file=True))),
}
