"""What is sent for one painting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from bruno.errors import InvalidInput
from bruno.events import Preview
from bruno.inputs import Picture, read_picture
from bruno.options import Masks, Request

_ALL_NAMES = frozenset(Request.__optional_keys__)
_PICTURES = ("content_mask", "canvas")
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
    content: Picture,
    style: Picture | Sequence[Picture],
    options: Request,
    timeout: tuple[float, float],
) -> Form:
    """Reads every picture; raises InvalidInput for one that cannot be read or a name unknown."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if unknown := given.keys() - _ALL_NAMES:
        raise InvalidInput(f"there is no option {min(unknown)}")
    sources: dict[str, Picture] = {"content": content, **_styles(style)}
    for name, field in _MASKS.items():
        sources |= _numbered(field, given.pop(name, {}))
    sources |= {name: given.pop(name) for name in _PICTURES if name in given}
    return Form(
        {field: read_picture(field, source, timeout) for field, source in sources.items()},
        {name: _text(value) for name, value in given.items()},
    )


def _styles(style: Any) -> dict[str, Picture]:
    return _numbered("style", style) if isinstance(style, list | tuple) else {"style": style}


def _numbered(field: str, pictures: Masks) -> dict[str, Picture]:
    items = pictures.items() if isinstance(pictures, Mapping) else enumerate(pictures, start=1)
    return {f"{field}_{number}": picture for number, picture in items}


def _text(value: Any) -> str:
    # The numbers of numpy are no JSON of their own accord.
    return value if isinstance(value, str) else json.dumps(value, default=float)
