"""Answers are what the contract says, to the byte."""

import base64
import json

import pytest

from bruno_service import messages
from painter.errors import Full, OutOfRange


def test_a_problem_has_its_members() -> None:
    error = OutOfRange("option_out_of_range", "alpha must be …, got -1", "alpha")
    assert json.loads(messages.as_json(messages.problem(error, "id"))) == {
        "type": "about:blank",
        "title": "Out of range",
        "status": 422,
        "detail": "alpha must be …, got -1",
        "code": "option_out_of_range",
        "field": "alpha",
        "request_id": "id",
    }
    assert messages.problem_headers(error) == {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
    }


def test_full_says_when_to_try_again() -> None:
    error = Full("at most 4 paintings wait in the queue, and there are 4", retry_after=7)
    assert messages.problem(error, "id")["retry_after"] == 7
    assert messages.problem_headers(error)["Retry-After"] == "7"


def test_an_event_is_one_line_of_json() -> None:
    event = messages.event("progress", {"step": 1, "text": "two\nlines …"})
    assert event == 'event: progress\ndata: {"step":1,"text":"two\\nlines …"}\n\n'.encode()


def test_a_picture_is_the_last_member_of_its_event() -> None:
    event = messages.picture_event("painting", {"width": 2, "record": {}}, b"\0\xff" * 9)
    name, data = event.decode().rstrip("\n").split("\n")
    assert name == "event: painting"
    told = json.loads(data.removeprefix("data: "))
    assert base64.b64decode(told.pop("image")) == b"\0\xff" * 9
    assert told == {"width": 2, "record": {}}


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        messages.as_json({"loss": float("nan")})
