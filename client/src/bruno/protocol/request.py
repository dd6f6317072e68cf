"""What is sent for one painting."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from bruno.errors import InvalidInputError
from bruno.events import Preview
from bruno.inputs import Picture
from bruno.options import REQUEST, Masks, Request

Read = Callable[[str, Picture], bytes]
"""How the picture of a field is read."""

_ALL_NAMES = frozenset(Request.__optional_keys__)
_PICTURES = ("content_mask", "canvas", "palette")
_MASKS = {"masks": "mask", "style_masks": "style_mask"}


@dataclass(frozen=True)
class Form:
    """The pictures and the texts of one request, by field name."""

    pictures: Mapping[str, bytes]
    texts: Mapping[str, str]

    def encode(self) -> tuple[bytes, str]:
        """The multipart body and its Content-Type."""
        pictures = {
            name: (name, data, "application/octet-stream") for name, data in self.pictures.items()
        }
        return encode_multipart_formdata({**pictures, **self.texts})

    def going_on_from(self, preview: Preview) -> Form:
        """The same request, begun at a preview of its broken predecessor."""
        place = json.dumps({"level": preview.level, "step": preview.step})
        return replace(
            self,
            pictures={**self.pictures, "canvas": preview.data},
            texts={**self.texts, "resume": place},
        )


def make_form(
    content: Picture, style: Picture | Sequence[Picture], options: Request, read: Read
) -> Form:
    """Reads every picture; raises InvalidInputError for a broken one, or a name unknown."""
    given = _given(options)
    if unknown := given.keys() - _ALL_NAMES:
        raise InvalidInputError(f"there is no option {min(unknown)}")
    pictures = pictures_of(content, style, options)
    return Form(
        {field: read(field, picture) for field, picture in pictures.items()},
        {name: _text(name, given[name]) for name in given if name not in (*_MASKS, *_PICTURES)},
    )


def pictures_of(
    content: Picture, style: Picture | Sequence[Picture], options: Request
) -> dict[str, Picture]:
    """All pictures of a request by field name; raises InvalidInputError for masks that are none."""
    given = _given(options)
    pictures: dict[str, Picture] = {"content": content, **_styles(style)}
    for name, field in _MASKS.items():
        pictures |= _numbered(name, field, given.get(name, {}))
    return pictures | {name: given[name] for name in _PICTURES if name in given}


def _given(options: Request) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _styles(style: Any) -> dict[str, Picture]:
    if isinstance(style, list | tuple):
        return _numbered("style", "style", style)
    return {"style": style}


def _numbered(name: str, field: str, pictures: Masks) -> dict[str, Picture]:
    if isinstance(pictures, Mapping):
        return {f"{field}_{number}": picture for number, picture in pictures.items()}
    if isinstance(pictures, Sequence) and not isinstance(pictures, str | bytes):
        return {f"{field}_{number}": one for number, one in enumerate(pictures, start=1)}
    raise InvalidInputError(
        f"{name} must be a list of pictures, or style numbers to pictures, "
        f"got {type(pictures).__name__}"
    )


def _text(name: str, value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=_plain)
        text.encode()
    except (TypeError, ValueError):
        allowed = REQUEST[name].allowed
        raise InvalidInputError(f"{name} must be {allowed}, got {value!r:.80}") from None
    return text


def _plain(value: Any) -> Any:
    """What of numpy, and of other numbers, is no JSON of its own accord."""
    return value.tolist() if hasattr(value, "tolist") else float(value)
