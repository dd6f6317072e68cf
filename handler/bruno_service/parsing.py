"""What is asked: the fields of a request become a Request of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from painter.errors import Malformed, OutOfRange
from painter.options.catalog import SPECS, STYLES_MOST, Options
from painter.options.reading import check_resume, check_style_weights, read_options
from painter.options.request import Request, Resume
from painter.options.wording import short

EVENT_STREAM: Final = "text/event-stream"
STREAMS: Final = ("none", "events")


def is_describe(body: object) -> bool:
    """Whether a JSON body asks what the service can do: `{"describe": true}`."""
    return isinstance(body, dict) and body.get("describe") is True


def accepts_events(accept: str) -> bool:
    """Whether the header Accept asks for a stream of events."""
    return EVENT_STREAM in accept.lower()


def read_request(fields: Mapping[str, Any], accept: str) -> tuple[Request, bool]:
    """The request of these fields, and whether its answer is a stream of events.

    Raises Malformed or OutOfRange; pictures are not decoded here.
    """
    if "content" not in fields:
        raise _missing("content", "content is missing: send the photo in the field content")
    styles = _styles(fields)
    request = Request(
        options=_options(fields),
        content=fields["content"],
        styles=styles,
        style_weights=_style_weights(fields.get("style_weights"), len(styles)),
        masks=_masks("mask", fields, len(styles)),
        style_masks=_masks("style_mask", fields, len(styles)),
        content_mask=fields.get("content_mask"),
        canvas=fields.get("canvas"),
        palette=fields.get("palette"),
        resume=_resume(fields.get("resume"), "canvas" in fields),
    )
    return request, _events(fields, accept)


def _styles(fields: Mapping[str, Any]) -> tuple[bytes, ...]:
    numbered = [i for i in range(1, STYLES_MOST + 1) if f"style_{i}" in fields]
    if "style" in fields:
        if numbered:
            raise Malformed(
                "malformed",
                f"style and style_{numbered[0]} must not both be there: number all or none",
                "style",
            )
        return (fields["style"],)
    if not numbered:
        raise _missing(
            "style", "style is missing: send the painting in the field style, several in style_1 …"
        )
    for i in range(1, numbered[-1]):
        if i not in numbered:
            raise _missing(
                f"style_{i}", f"style_{i} is missing: styles are numbered up to {numbered[-1]}"
            )
    return tuple(fields[f"style_{i}"] for i in numbered)


def _masks(kind: str, fields: Mapping[str, Any], styles: int) -> dict[int, bytes]:
    numbered = {i: f"{kind}_{i}" for i in range(1, STYLES_MOST + 1) if f"{kind}_{i}" in fields}
    for i, name in numbered.items():
        if i > styles:
            raise _out_of_range(name, f"{name} must be for a style from 1 to {styles}, got {i}")
    return {i: fields[name] for i, name in numbered.items()}


def _style_weights(value: Any, styles: int) -> tuple[float, ...] | None:
    if value is None:
        return None
    name = "style_weights"
    weights = _from_json(name, value)
    if not isinstance(weights, list) or not all(_is_number(weight) for weight in weights):
        raise OutOfRange(
            "option_wrong_type", f"{name} must be a JSON list of numbers, got {short(value)}", name
        )
    return check_style_weights(weights, styles)


def _resume(value: Any, has_canvas: bool) -> Resume | None:
    if value is None:
        return None
    place = _from_json("resume", value)
    if not isinstance(place, dict) or set(place) != {"level", "step"}:
        raise Malformed(
            "malformed",
            f"resume must be a JSON object of level and step, got {short(value)}",
            "resume",
        )
    resume = check_resume(Resume(_whole(place, "level"), _whole(place, "step")))
    if not has_canvas:
        raise _missing("canvas", "canvas is missing: resume goes on from the picture in it")
    return resume


def _whole(place: Mapping[str, Any], part: str) -> int:
    number = place[part]
    if not isinstance(number, int) or isinstance(number, bool):
        raise OutOfRange(
            "option_wrong_type",
            f"resume: {part} must be a whole number, got {short(number)}",
            "resume",
        )
    return number


def _options(fields: Mapping[str, Any]) -> Options:
    together = _from_json("options", fields.get("options", {}))
    if not isinstance(together, dict):
        raise Malformed(
            "malformed", f"options must be a JSON object, got {short(together)}", "options"
        )
    beside = {name: value for name, value in fields.items() if name in SPECS}
    implied = {"init": "image"} if "canvas" in fields and "resume" not in fields else {}
    return read_options({**implied, **together, **beside})


def _events(fields: Mapping[str, Any], accept: str) -> bool:
    stream = fields.get("stream")
    if stream is None:
        return accepts_events(accept)
    if stream not in STREAMS:
        raise _out_of_range("stream", f"stream must be none or events, got {short(stream)}")
    return bool(stream == "events")


def _from_json(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise Malformed("malformed", f"{name} must be JSON, got {short(value)}", name) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _missing(name: str, detail: str) -> Malformed:
    return Malformed("missing_image", detail, name)


def _out_of_range(name: str, detail: str) -> OutOfRange:
    return OutOfRange("option_out_of_range", detail, name)
