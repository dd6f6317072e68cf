"""Forms written byte by byte, as no client would write them."""

from __future__ import annotations

from .conftest import tiny_picture

FORM = "multipart/form-data; boundary=x"
OF_JSON = b"Content-Type: application/json\r\n"
OF_TEXT = b"Content-Type: text/plain\r\n"


def part(name: str | bytes, value: bytes, more: bytes = b"", file: bool = False) -> bytes:
    """One part of a form whose boundary is x, written as it is."""
    raw = name.encode() if isinstance(name, str) else name
    where = b'; filename="f"' if file else b""
    head = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n' % (raw, where)
    return head + more + b"\r\n" + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--x--\r\n"


PNG = tiny_picture("teal")
CONTENT, STYLE = part("content", PNG, file=True), part("style", PNG, file=True)
