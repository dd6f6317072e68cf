"""Rows as TorchServe hands them over become fields, or the problem that names them."""

import base64
from typing import Any

import pytest

from bruno_service.fields import Headers, read_fields
from bruno_service.limits import BODY_BYTES
from painter.errors import PaintError, TooLarge

PICTURE = b"\x89PNG whatever"
JSON_TYPE = {"Content-Type": "application/json; charset=utf-8"}


def refused(row: dict[str, Any], headers: Headers | None = None) -> PaintError:
    with pytest.raises(PaintError) as caught:
        read_fields(row, headers or {})
    return caught.value


def test_pictures_of_a_form_stay_bytes_and_texts_become_text() -> None:
    row = {"content": bytearray(PICTURE), "alpha": bytearray(b"2"), "stream": bytearray(b"none")}
    assert read_fields(row, {}) == {"content": PICTURE, "alpha": "2", "stream": "none"}


def test_a_text_file_and_a_json_file_in_a_picture_field_are_left_to_the_decoder() -> None:
    row = {"content": "just text", "style": {"a": 1}}
    assert read_fields(row, {}) == {"content": b"just text", "style": b'{"a": 1}'}


def test_a_json_file_in_an_option_field_stays_parsed() -> None:
    row = {"content": bytearray(PICTURE), "style_weights": [1, 2]}
    assert read_fields(row, {})["style_weights"] == [1, 2]


@pytest.mark.parametrize(
    "prefix", ["", "data:image/png;base64,"], ids=["plain base64", "a data URI"]
)
def test_pictures_of_a_json_body_are_base64(prefix: str) -> None:
    text = prefix + base64.b64encode(PICTURE).decode()
    body = {"content": text, "size": 64, "canvas": None}
    assert read_fields({"body": body}, JSON_TYPE) == {"content": PICTURE, "size": 64}


def test_base64_may_be_broken_into_lines() -> None:
    text = base64.encodebytes(PICTURE * 20).decode()
    assert read_fields({"body": {"content": text}}, JSON_TYPE)["content"] == PICTURE * 20


@pytest.mark.parametrize("value", ["not/base64!", "abc", 7, ["a"]])
def test_what_is_not_base64_is_malformed(value: object) -> None:
    error = refused({"body": {"content": value}}, JSON_TYPE)
    assert (error.status, error.code, error.field) == (400, "malformed", "content")
    assert "base64" in error.detail


@pytest.mark.parametrize("row", [{"content": bytearray()}, {"body": {"content": ""}}])
def test_an_empty_picture_is_told_apart(row: dict[str, Any]) -> None:
    error = refused(row, JSON_TYPE)
    assert (error.status, error.code, error.field) == (400, "empty_image", "content")


@pytest.mark.parametrize(
    ("name", "near"),
    [("contnet", "content"), ("style_weight", "style_weights"), ("alhpa", "alpha")],
)
def test_an_unknown_field_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    error = refused({"content": bytearray(PICTURE), name: bytearray(b"1")})
    assert (error.status, error.code, error.field) == (422, "unknown_option", name)
    assert error.detail == f"there is no field or option {name}; did you mean {near}?"


def test_an_endless_name_is_cut() -> None:
    error = refused({"x" * 100_000: bytearray(b"1")})
    assert len(error.detail) < 200


@pytest.mark.parametrize("name", ["style_9", "mask_9", "style_mask_12", "style_0"])
def test_styles_are_numbered_from_1_to_8(name: str) -> None:
    error = refused({name: bytearray(PICTURE)})
    assert (error.status, error.code, error.field) == (422, "option_out_of_range", name)
    assert "8" in error.detail


def test_the_body_is_48_mib_at_most() -> None:
    largest = {"content": bytearray(BODY_BYTES - 5), "style": bytearray(5)}
    assert len(read_fields(largest, {})["content"]) == BODY_BYTES - 5
    for row in (
        {"content": bytearray(BODY_BYTES - 5), "style": bytearray(6)},
        {"body": {"content": "a" * (BODY_BYTES + 1)}},
        {"body": bytearray(BODY_BYTES + 1)},
    ):
        error = refused(row)
        assert isinstance(error, TooLarge)
        assert (error.status, error.code) == (413, "body_too_large")
        assert "48 MiB" in error.detail


@pytest.mark.parametrize("body", [bytearray(b'{"content": '), [1], "text", 7])
def test_a_json_body_must_be_an_object(body: object) -> None:
    error = refused({"body": body}, JSON_TYPE)
    assert (error.status, error.code, error.field) == (400, "malformed", None)
    assert "JSON object" in error.detail


@pytest.mark.parametrize(
    ("headers", "got"),
    [({"content-type": "image/jpeg"}, "image/jpeg"), ({}, "no Content-Type")],
)
def test_a_bare_body_is_malformed(headers: Headers, got: str) -> None:
    error = refused({"body": bytearray(PICTURE)}, headers)
    assert (error.status, error.code) == (400, "malformed")
    assert error.detail.endswith(f"got {got}")


def test_text_must_be_utf8() -> None:
    error = refused({"alpha": bytearray(b"\xff\xfe")})
    assert (error.code, error.field) == ("malformed", "alpha")
