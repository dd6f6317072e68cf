"""Forms and JSON objects become fields, or the problem that names them."""

import base64
from collections.abc import Callable

import pytest

from bruno_service.fields import form_fields, json_fields, other_fields, taken_apart
from bruno_service.limits import BODY_BYTES
from painter.errors import PaintError, TooLarge

PICTURE = b"\x89PNG whatever"
JSON_TYPE = "application/json; charset=utf-8"


def refused(read: Callable[..., object], *given: object) -> PaintError:
    with pytest.raises(PaintError) as caught:
        read(*given)
    return caught.value


def test_pictures_of_a_form_stay_bytes_and_texts_become_text() -> None:
    form = {"content": bytearray(PICTURE), "alpha": bytearray(b"2"), "stream": b"none"}
    assert form_fields(form) == {"content": PICTURE, "alpha": "2", "stream": "none"}


@pytest.mark.parametrize(
    "prefix", ["", "data:image/png;base64,"], ids=["plain base64", "a data URI"]
)
def test_pictures_of_a_json_body_are_base64(prefix: str) -> None:
    text = prefix + base64.b64encode(PICTURE).decode()
    body = {"content": text, "size": 64, "canvas": None}
    assert other_fields(body, JSON_TYPE) == {"content": PICTURE, "size": 64}


def test_base64_may_be_broken_into_lines() -> None:
    text = base64.encodebytes(PICTURE * 20).decode()
    assert json_fields({"content": text})["content"] == PICTURE * 20


@pytest.mark.parametrize("value", ["not/base64!", "abc", 7, ["a"]])
def test_what_is_not_base64_is_malformed(value: object) -> None:
    error = refused(json_fields, {"content": value})
    assert (error.status, error.code, error.field) == (400, "malformed", "content")
    assert "base64" in error.detail


@pytest.mark.parametrize(("read", "empty"), [(form_fields, b""), (json_fields, "")])
def test_an_empty_picture_is_told_apart(read: Callable[..., object], empty: object) -> None:
    error = refused(read, {"content": empty})
    assert (error.status, error.code, error.field) == (400, "empty_image", "content")


@pytest.mark.parametrize(
    ("name", "near"),
    [("contnet", "content"), ("style_weight", "style_weights"), ("alhpa", "alpha")],
)
def test_an_unknown_field_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    error = refused(form_fields, {"content": PICTURE, name: b"1"})
    assert (error.status, error.code, error.field) == (422, "unknown_option", name)
    assert error.detail == f"there is no field or option {name}; did you mean {near}?"


def test_an_endless_name_is_cut() -> None:
    error = refused(form_fields, {"x" * 100_000: b"1"})
    assert len(error.detail) < 200


@pytest.mark.parametrize("name", ["style_9", "mask_9", "style_mask_12", "style_0"])
def test_styles_are_numbered_from_1_to_8(name: str) -> None:
    error = refused(form_fields, {name: PICTURE})
    assert (error.status, error.code, error.field) == (422, "option_out_of_range", name)
    assert "8" in error.detail


def test_the_body_is_48_mib_at_most() -> None:
    largest = {"content": bytearray(BODY_BYTES - 5), "style": bytearray(5)}
    assert len(form_fields(largest)["content"]) == BODY_BYTES - 5
    for error in (
        refused(form_fields, {"content": bytearray(BODY_BYTES - 5), "style": bytes(6)}),
        refused(json_fields, {"content": "a" * (BODY_BYTES + 1)}),
        refused(other_fields, bytes(BODY_BYTES + 1), JSON_TYPE),
    ):
        assert isinstance(error, TooLarge)
        assert (error.status, error.code) == (413, "body_too_large")
        assert "48 MiB" in error.detail


@pytest.mark.parametrize("body", [bytearray(b'{"content": '), [1], "text", 7])
def test_a_json_body_must_be_an_object(body: object) -> None:
    error = refused(other_fields, body, JSON_TYPE)
    assert (error.status, error.code, error.field) == (400, "malformed", None)
    assert "JSON object" in error.detail


@pytest.mark.parametrize(
    ("content_type", "got"),
    [("image/jpeg", "image/jpeg"), ("", "no Content-Type"), ("text/html;a=b", "text/html")],
)
def test_a_bare_body_is_malformed(content_type: str, got: str) -> None:
    error = refused(other_fields, PICTURE, content_type)
    assert (error.status, error.code) == (400, "malformed")
    assert error.detail.endswith(f"got {got}")


def test_text_must_be_utf8() -> None:
    error = refused(form_fields, {"alpha": b"\xff\xfe"})
    assert (error.code, error.field) == ("malformed", "alpha")


def test_files_that_say_that_they_are_text_or_json_are_files_nevertheless() -> None:
    row = {
        "content": "text",
        "style": {"a": 1},
        "style_weights": [1, 2],
        "seed": bytearray(b"1"),
    }
    assert taken_apart(row, "multipart/form-data; boundary=x") == {
        "content": b"text",
        "style": b'{"a": 1}',
        "style_weights": "[1, 2]",
        "seed": "1",
    }
