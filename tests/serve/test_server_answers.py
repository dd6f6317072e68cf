"""What the real servers answer: to good requests, and to each bad one by its own code."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests
from PIL import Image

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
MIB = 2**20


def png_that_declares(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose header promises more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_a_picture_comes_with_its_type_and_record(service: Any, pictures: dict[str, bytes]) -> None:
    answer = service.post(pictures, **TINY)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert "no-store" in answer.headers["Cache-Control"]
    image = opened(answer.content)
    assert image.size == (64, 64)
    assert json.loads(image.info["bruno"])["steps"] == 3


def test_events_tell_of_the_same_painting(
    service: Any, pictures: dict[str, bytes], events: Callable[..., Any]
) -> None:
    with service.stream(pictures, **TINY) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        told = list(events(answer))
    assert told[0][0] == "accepted"
    assert told[0][1]["request_id"] == answer.headers["x-request-id"]
    assert told[-1][0] == "painting"
    picture = base64.b64decode(told[-1][1]["image"])
    again = service.post(pictures, **TINY).content
    assert opened(picture).tobytes() == opened(again).tobytes()


def test_the_header_accept_asks_for_events(service: Any, pictures: dict[str, bytes]) -> None:
    headers = service.headers | {"Accept": "text/event-stream"}
    answer = requests.post(service.url, files=pictures, data=TINY, headers=headers, timeout=100)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.text.startswith("event: accepted\n")


def test_json_asks_for_the_same_painting(service: Any, pictures: dict[str, bytes]) -> None:
    images = {name: base64.b64encode(data).decode() for name, data in pictures.items()}
    body = {**images, "options": {"size": 64, "steps": 3, "preview_every": 0}}
    answer = requests.post(service.url, json=body, headers=service.headers, timeout=100)
    assert answer.status_code == 200
    again = service.post(pictures, **TINY).content
    assert opened(answer.content).tobytes() == opened(again).tobytes()


TEXT = ("a.jpg", b"no picture", "text/plain")
JPEG = ("a.jpg", b"no picture", "image/jpeg")
HUGE = png_that_declares(20000, 20000)
BAD = {
    "no content": ({"content": None}, {}, 400, "missing_image", "content"),
    "no style": ({"style": None}, {}, 400, "missing_image", "style"),
    "an empty file": ({"content": b""}, {}, 400, "empty_image", "content"),
    "a text named .jpg": ({"content": TEXT}, {}, 415, "not_an_image", "content"),
    "a text sent as a jpeg": ({"style": JPEG}, {}, 415, "not_an_image", "style"),
    "a truncated picture": ({"content": "truncated"}, {}, 415, "broken_image", "content"),
    "1 x 1": ({"content": png_that_declares(1, 1)}, {}, 422, "image_too_small", "content"),
    "20000 x 20000": ({"content": HUGE}, {}, 413, "image_too_large", "content"),
    "an unknown option": ({}, {"alhpa": "1"}, 422, "unknown_option", "alhpa"),
    "alpha below 0": ({}, {"alpha": "-1"}, 422, "option_out_of_range", "alpha"),
    "many steps": ({}, {"steps": "many"}, 422, "option_wrong_type", "steps"),
    "no such layer": ({}, {"style_layers": "conv9_1"}, 422, "unknown_layer", "style_layers"),
    "50 MiB": ({"content": bytes(50 * MIB)}, {}, 413, "body_too_large", None),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_has_its_own_problem_and_the_next_request_paints(
    service: Any, pictures: dict[str, bytes], bad: str
) -> None:
    files, fields, status, code, field = BAD[bad]
    if files.get("content") == "truncated":
        files = {"content": pictures["content"][:200]}
    sent = {name: file for name, file in (pictures | files).items() if file is not None}
    for stream in ("none", "events"):
        answer = service.post(sent, **TINY | fields, stream=stream)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], problem["code"], problem["field"]) == (status, code, field)
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert (field or "48 MiB") in problem["detail"]
    assert service.post(pictures, **TINY).status_code == 200


def test_an_empty_form_lacks_its_content(service: Any) -> None:
    headers = service.headers | {"Content-Type": "multipart/form-data; boundary=x"}
    answer = requests.post(service.url, data=b"--x--\r\n", headers=headers, timeout=100)
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_image")


@pytest.mark.parametrize("body", [b"", b'{"describe": true}', b"size=64"])
def test_a_body_of_no_declared_kind_is_told_what_to_declare(service: Any, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d declares
    answer = requests.post(service.url, data=body, headers=service.headers | kind, timeout=100)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert "must be multipart/form-data or application/json" in answer.json()["detail"]


def test_a_bare_picture_is_malformed(service: Any, pictures: dict[str, bytes]) -> None:
    headers = service.headers | {"Content-Type": "image/png"}
    answer = requests.post(service.url, data=pictures["content"], headers=headers, timeout=100)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_large_answers_arrive_whole(
    service: Any, pictures: dict[str, bytes], events: Callable[..., Any]
) -> None:
    large = {"size": "860", "steps": "1", "levels": "1", "init": "noise", "format": "tiff16"}
    cheap = {"content_layers": "conv1_1", "style_layers": "conv1_1"}
    answer = service.post(pictures, **large, **cheap)
    assert answer.headers["Content-Type"] == "image/tiff"
    assert len(answer.content) > 4 * MIB
    with service.stream(pictures, **large, **cheap) as stream:
        told = list(events(stream))
    data = base64.b64decode(told[-1][1]["image"])
    assert opened(data).size == opened(answer.content).size == (860, 860)
    assert opened(data).tobytes() == opened(answer.content).tobytes()


def test_the_deadline_holds(service: Any, pictures: dict[str, bytes]) -> None:
    answer = service.post(pictures, **TINY | {"steps": "5000", "max_seconds": "1"})
    record = json.loads(opened(answer.content).info["bruno"])
    assert record["stopped"] == "deadline"
    assert record["seconds"] >= 1
    assert record["steps"] < 5000
