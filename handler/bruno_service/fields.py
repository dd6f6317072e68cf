"""What came in: the row of a request becomes fields that are known by name.

A row holds one value for each field. Text fields come as bytes; files come as bytes, as text or
as a parsed object, whatever their own content type says; a JSON body comes as the one field
`body`, parsed, with its pictures in base64.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bruno_service.limits import BODY_BYTES
from painter.errors import Malformed, OutOfRange, TooLarge
from painter.options.catalog import SPECS, STYLES_MOST

_NUMBERED: Final = re.compile(r"(style|mask|style_mask)_([0-9]+)")
_PICTURES: Final = (
    "content",
    "style",
    *(f"{kind}_{i}" for kind in ("style", "mask", "style_mask") for i in range(1, STYLES_MOST + 1)),
    "content_mask",
    "canvas",
)
_NAMES: Final = (*_PICTURES, "style_weights", "resume", "options", "stream", *SPECS)

Row = Mapping[str, Any]
Headers = Mapping[str, Any]


def read_fields(row: Row, headers: Headers) -> dict[str, Any]:
    """The fields of a row: pictures as bytes, all else as text or as JSON values.

    Raises TooLarge above `BODY_BYTES`, OutOfRange for an unknown name, Malformed for what
    cannot be read or holds nothing.
    """
    _check_size(row)
    if _kind(headers) == "application/x-www-form-urlencoded":
        raise _wrong_kind(headers)  # what curl -d sends by itself; it cannot carry pictures
    given = _json_body(row["body"], headers) if set(row) == {"body"} else row
    for name in given:
        _check_name(name)
    if given is not row:
        given = {
            name: _from_base64(name, value) if name in _PICTURES else value
            for name, value in given.items()
        }
    return {
        name: _picture(name, value) if name in _PICTURES else _text(name, value)
        for name, value in given.items()
    }


def header(headers: Headers, name: str) -> str:
    """The value of a header, named in lower case; servers keep names as they were sent."""
    for key, value in headers.items():
        if key.lower() == name and isinstance(value, str):
            return value
    return ""


def short(value: Any) -> str:
    """A received value, cut to what a sentence can hold."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_size(row: Row) -> None:
    body = row.get("body")
    values = [*row.values(), *(body.values() if isinstance(body, dict) else ())]
    size = sum(len(value) for value in values if isinstance(value, str | bytes | bytearray))
    if size > BODY_BYTES:
        raise TooLarge(
            "body_too_large",
            f"the request must be at most {BODY_BYTES >> 20} MiB, got {size / 2**20:.1f} MiB",
        )


def _json_body(body: Any, headers: Headers) -> dict[str, Any]:
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if value is not None}
    if _kind(headers) == "application/json":
        got = "what is not valid JSON" if isinstance(body, bytes | bytearray) else short(body)
        raise Malformed("malformed", f"the body must be a JSON object, got {got}")
    raise _wrong_kind(headers)


def _kind(headers: Headers) -> str:
    return header(headers, "content-type").partition(";")[0].strip().lower()


def _wrong_kind(headers: Headers) -> Malformed:
    return Malformed(
        "malformed",
        "the request must be multipart/form-data or application/json, "
        f"got {short(_kind(headers)) or 'no Content-Type'}",
    )


def _check_name(name: str) -> None:
    if name in _NAMES:
        return
    if _NUMBERED.fullmatch(name):
        raise OutOfRange(
            "option_out_of_range",
            f"there are at most {STYLES_MOST} styles, numbered from 1, got {short(name)}",
            short(name),
        )
    near = difflib.get_close_matches(short(name), _NAMES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise OutOfRange(
        "unknown_option", f"there is no field or option {short(name)}{hint}", short(name)
    )


def _from_base64(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise Malformed("malformed", f"{name} must be base64 text, got {short(value)}", name)
    encoded = value.partition(",")[2] if value.startswith("data:") else value
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("malformed", f"{name} is not base64: {short(value)}", name) from None


def _picture(name: str, value: Any) -> bytes:
    """The bytes of a picture; what came as text or JSON is left to the decoder to refuse."""
    if isinstance(value, str):
        value = value.encode(errors="replace")
    elif not isinstance(value, bytes | bytearray):
        value = json.dumps(value).encode()
    if not value:
        raise Malformed("empty_image", f"{name} must be a picture, got an empty file", name)
    return bytes(value)


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, bytes | bytearray):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("malformed", f"{name} must be UTF-8 text", name) from None
