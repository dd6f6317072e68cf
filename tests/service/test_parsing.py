"""Fields become a Request; each contradiction is refused by its own code and field."""

import subprocess
import sys
from typing import Any

import pytest

from bruno_service.fields import form_fields, json_fields
from bruno_service.parsing import is_describe, read_request
from painter.errors import PaintError
from painter.options.request import Request, Resume


def form(*styles: str, **fields: str) -> dict[str, Any]:
    names = ("content", *(styles or ("style",)))
    pictures = {name: bytearray(name.encode()) for name in names}
    return pictures | {name: bytearray(value.encode()) for name, value in fields.items()}


def read(row: dict[str, Any]) -> Request:
    return read_request(form_fields(row), "")[0]


def refused(row: dict[str, Any]) -> PaintError:
    with pytest.raises(PaintError) as caught:
        read(row)
    return caught.value


def test_content_and_style_are_enough() -> None:
    request = read(form())
    assert (request.content, request.styles) == (b"content", (b"style",))
    assert (request.style_weights, request.masks, request.canvas) == (None, {}, None)
    assert request.options.size == 512


def test_everything_at_once() -> None:
    row = form(
        "style_1", "style_2", "mask_2", "style_mask_1", "content_mask", "canvas",
        "palette",
        style_weights="[1, 0.5]", resume='{"level": 2, "step": 0}', init="image", alpha="3",
    )  # fmt: skip
    request = read(row)
    assert request.styles == (b"style_1", b"style_2")
    assert request.style_weights == (1.0, 0.5)
    assert request.masks == {2: b"mask_2"}
    assert request.style_masks == {1: b"style_mask_1"}
    assert (request.content_mask, request.canvas) == (b"content_mask", b"canvas")
    assert request.palette == b"palette"
    assert request.resume == Resume(level=2, step=0)
    assert request.options.alpha == 3


@pytest.mark.parametrize(
    ("given", "init"),
    [
        ({}, "image"),
        ({"init": "noise"}, "noise"),
        ({"options": '{"init": "style"}'}, "style"),
        ({"resume": '{"level": 1, "step": 9}'}, "content"),
    ],
)
def test_a_canvas_is_what_is_started_from(given: dict[str, str], init: str) -> None:
    assert read(form("style", "canvas", **given)).options.init == init


def test_a_single_style_may_have_masks() -> None:
    assert read(form("style", "mask_1")).masks == {1: b"mask_1"}


def test_a_json_body_says_the_same() -> None:
    body = {"content": "AAAA", "style": "AAEC", "steps": 7, "options": {"size": 64, "steps": 9}}
    request = read_request(json_fields(body), "")[0]
    assert (request.content, request.styles) == (b"\0\0\0", (b"\0\1\2",))
    assert (request.options.size, request.options.steps) == (64, 7)


def test_a_form_may_give_its_options_together() -> None:
    assert read(form(options='{"size": 64}')).options.size == 64


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({"style": bytearray(b"s")}, "missing_image", "content"),
        ({"content": bytearray(b"c")}, "missing_image", "style"),
        (form("style_1", "style_3"), "missing_image", "style_2"),
        (form("style_2"), "missing_image", "style_1"),
        (form("style", "style_1"), "malformed", "style"),
        (form("style", "mask_2"), "option_out_of_range", "mask_2"),
        (form("style_1", "style_mask_2"), "option_out_of_range", "style_mask_2"),
        (form(style_weights="1"), "option_wrong_type", "style_weights"),
        (form(style_weights='["1"]'), "option_wrong_type", "style_weights"),
        (form(style_weights="[true]"), "option_wrong_type", "style_weights"),
        (form(style_weights="[1, 2]"), "option_out_of_range", "style_weights"),
        (form(style_weights="[]"), "option_out_of_range", "style_weights"),
        (form(style_weights="[0]"), "option_out_of_range", "style_weights"),
        (form(style_weights="[-1]"), "option_out_of_range", "style_weights"),
        (form(style_weights="[NaN]"), "option_out_of_range", "style_weights"),
        (form(style_weights="one"), "malformed", "style_weights"),
        (form(resume='{"level": 1, "step": 0}'), "missing_image", "canvas"),
        (form(resume="[1]"), "malformed", "resume"),
        (form(resume='{"level": 1}'), "malformed", "resume"),
        (form(resume='{"level": 0, "step": 0}'), "option_out_of_range", "resume"),
        (form(resume='{"level": 1, "step": 0.5}'), "option_wrong_type", "resume"),
        (form(options="[]"), "malformed", "options"),
        (form(options="[" * 100_000), "malformed", "options"),
        (form(options='{"alhpa": 1}'), "unknown_option", "alhpa"),
        (form(alpha="-1"), "option_out_of_range", "alpha"),
        (form(steps="many"), "option_wrong_type", "steps"),
        (form(stream="maybe"), "option_out_of_range", "stream"),
    ],
)
def test_contradictions(row: dict[str, Any], code: str, field: str) -> None:
    error = refused(row)
    assert (error.code, error.field) == (code, field)
    assert field in error.detail


def test_a_bound_and_the_value_received_are_named() -> None:
    error = refused(form(style_weights="[-1]"))
    assert error.detail == "style_weights must be from 0 to 1e+06, got -1"


@pytest.mark.parametrize(
    ("stream", "accept", "events"),
    [
        (None, "", False),
        (None, "image/png, text/event-stream;q=0.9", True),
        ("events", "", True),
        ("none", "text/event-stream", False),
    ],
)
def test_who_gets_events(stream: str | None, accept: str, events: bool) -> None:
    fields = form_fields(form(stream=stream) if stream else form())
    assert read_request(fields, accept)[1] is events


def test_describe_is_asked_for_in_json() -> None:
    assert is_describe({"describe": True})
    assert not is_describe({"describe": "true"})
    assert not is_describe(b'{"describe": true}')


def test_reading_requests_needs_no_torch() -> None:
    modules = "bruno_service.messages, bruno_service.parsing"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
