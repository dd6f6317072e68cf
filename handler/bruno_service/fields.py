"""What came in: a form or a JSON object becomes fields that are known by name."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bruno_service.limits import BODY_BYTES
from painter.errors import Malformed, OutOfRange, TooLarge
from painter.options.catalog import SPECS, STYLES_MOST
from painter.options.wording import meant, short

_NUMBERED: Final = re.compile(r"(style|mask|style_mask)_([0-9]+)")
_PICTURES: Final = (
    "content",
    "style",
    *(f"{kind}_{i}" for kind in ("style", "mask", "style_mask") for i in range(1, STYLES_MOST + 1)),
    "content_mask",
    "canvas",
    "palette",
)
_NAMES: Final = (*_PICTURES, "style_weights", "resume", "options", "stream", *SPECS)

FORM: Final = "multipart/form-data"
JSON: Final = "application/json"


def form_fields(form: Mapping[str, bytes | bytearray]) -> dict[str, Any]:
    """The fields of a form: pictures as bytes, all else as text.

    Raises TooLarge above `BODY_BYTES`, OutOfRange for an unknown name, Malformed for what
    cannot be read or holds nothing.
    """
    check_size(_size(form.values()))
    for name in form:
        _check_name(name)
    return {
        name: _filled(name, value) if name in _PICTURES else _text(name, value)
        for name, value in form.items()
    }


def json_fields(body: object) -> dict[str, Any]:
    """The fields of a JSON object, whose pictures are in base64; bytes are no JSON.

    Raises as `form_fields` does.
    """
    if not isinstance(body, dict):
        got = "what is not valid JSON" if isinstance(body, bytes | bytearray) else short(body)
        raise Malformed("malformed", f"the body must be a JSON object, got {got}")
    check_size(_size(body.values()))
    given = {name: value for name, value in body.items() if value is not None}
    for name in given:
        _check_name(name)
    return {
        name: _filled(name, _from_base64(name, value)) if name in _PICTURES else value
        for name, value in given.items()
    }


def taken_apart(row: Mapping[str, Any], content_type: str) -> dict[str, Any]:
    """The fields of what a server has taken apart itself: a form's by name, or the `body`.

    Files that say of themselves that they are text or JSON may have been decoded.
    """
    if media_type(content_type) != FORM or set(row) == {"body"}:
        return other_fields(row.get("body"), content_type)
    raw = {k: v.encode(errors="replace") if isinstance(v, str) else v for k, v in row.items()}
    is_raw = {k: isinstance(v, bytes | bytearray) for k, v in raw.items()}
    return form_fields({k: v if is_raw[k] else json.dumps(v).encode() for k, v in raw.items()})


def other_fields(body: object, content_type: str) -> dict[str, Any]:
    """The fields of a body that is no form; raises Malformed where it is not JSON either."""
    check_size(_size([body]))
    if media_type(content_type) != JSON:
        raise wrong_type(content_type)
    return json_fields(body)


def media_type(content_type: str) -> str:
    """A header's media type, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def wrong_type(content_type: str) -> Malformed:
    """The problem of a body that is neither a form nor JSON."""
    return Malformed(
        "malformed",
        f"the request must be {FORM} or {JSON}, "
        f"got {short(media_type(content_type)) or 'no Content-Type'}",
    )


def check_size(size: int, frame: int = 0) -> None:
    """Raises TooLarge where a body, of which `frame` bytes are no fields, is too large."""
    if size > BODY_BYTES + frame:
        raise TooLarge(
            "body_too_large",
            f"the request must be at most {BODY_BYTES >> 20} MiB, got {size / 2**20:.1f} MiB",
        )


def _size(values: Iterable[object]) -> int:
    return sum(len(value) for value in values if isinstance(value, str | bytes | bytearray))


def _check_name(name: str) -> None:
    if name in _NAMES:
        return
    if _NUMBERED.fullmatch(name):
        raise OutOfRange(
            "option_out_of_range",
            f"there are at most {STYLES_MOST} styles, numbered from 1, got {short(name)}",
            short(name),
        )
    hint = meant(name, _NAMES)
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


def _filled(name: str, picture: bytes | bytearray) -> bytes:
    if not picture:
        raise Malformed("empty_image", f"{name} must be a picture, got an empty file", name)
    return bytes(picture)


def _text(name: str, value: bytes | bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("malformed", f"{name} must be UTF-8 text", name) from None
