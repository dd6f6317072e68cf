"""Bodies as they arrive, in whatever pieces: what they are, and what is refused at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bruno_service.bodies import BODY_SECONDS, PARTS_MOST, BodyReader
from bruno_service.limits import BODY_BYTES
from painter.errors import PaintError

FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
PICTURE = PART % (b"content", b'; filename="f"', b"\x89PNG\r\n--y\r\n --x")
OPTION = PART % (b"alpha", b"", b"2")


def read(body: bytes, content_type: str = FORM, size: int = 10**6, accept: str = "") -> Any:
    """What a service is asked by a body that arrives in pieces of a size."""
    headers = {"content-type": content_type, "content-length": str(len(body)), "accept": accept}
    reader = BodyReader(headers)
    for start in range(0, len(body), size):
        reader.write(body[start : start + size])
    service: Any = SimpleNamespace(
        submit=lambda _id, fields, told, _origin: (fields(), told), describe=lambda _id: "described"
    )
    return reader.submit(service, "id")


def refused(**headers: str) -> PaintError:
    with pytest.raises(PaintError) as caught:
        BodyReader({name.replace("_", "-"): value for name, value in headers.items()})
    return caught.value


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10**6])
def test_a_form_is_read_in_pieces_of_any_size(size: int) -> None:
    fields, told = read(PICTURE + OPTION + b"--x--\r\n", size=size, accept="image/png")
    assert fields == {"content": b"\x89PNG\r\n--y\r\n --x", "alpha": "2"}
    assert told == "image/png"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        PICTURE,
        PICTURE + OPTION[:-9],
        b"--y\r\n\r\n--y--\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
        b"--x\r\n: \r\n\r\n1\r\n--x--\r\n",
        OPTION * (PARTS_MOST + 1) + b"--x--\r\n",
        b"--x\r\n" + b"a" * 10**5,
    ],
)
def test_a_form_that_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(PaintError) as caught:
        read(body)
    assert (caught.value.status, caught.value.code) == (400, "malformed")
    assert caught.value.detail.startswith("the form cannot be read: ")


@pytest.mark.parametrize("boundary", ["", "; boundary=", f"; boundary={'x' * 1000}"])
def test_a_form_needs_a_boundary(boundary: str) -> None:
    error = refused(content_type=f"multipart/form-data{boundary}", content_length="9")
    assert (error.status, error.code) == (400, "malformed")


def test_json_is_an_object_or_asks_for_the_description() -> None:
    assert read(b'{"alpha": 2}', "application/json", size=3) == ({"alpha": 2}, "")
    assert read(b'{"describe": true}', "application/json") == "described"
    for body in (b"", b"{", b"\xff", b"[]", b"[" * 10**5, '{"alpha": 1}'.encode("utf-16")):
        with pytest.raises(PaintError, match="the body must be a JSON object"):
            read(body, "application/json")


def test_the_headers_alone_refuse_what_is_too_long_or_of_no_length_or_kind() -> None:
    assert refused(content_type=FORM).code == "length_required"
    error = refused(content_type=FORM, content_length=str(BODY_BYTES + 2 * 2**20))
    assert (error.status, error.code) == (413, "body_too_large")
    assert error.detail == "the request must be at most 48 MiB, got 50.0 MiB"
    assert refused(content_type="image/png", content_length="9").code == "malformed"


def test_a_long_body_has_longer_to_arrive() -> None:
    headers = {"content-type": FORM, "content-length": str(2**26 * 3 // 4)}
    assert BodyReader(headers).seconds == BODY_SECONDS + 768
