"""Whatever else can be sent over HTTP: each has its own answer, and none hurts the worker."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from .conftest import Caller, Contract
from .forms import CONTENT, FORM, OF_JSON, PNG, STYLE, form, part

pytestmark = pytest.mark.usefixtures("unharmed")

TINY = {"size": "64", "steps": "2", "preview_every": "0"}

KINDS = {
    "a form of the other kind": ("application/x-www-form-urlencoded", b"alpha=1&beta=2"),
    "a picture": ("image/png", PNG),
    "text": ("text/plain", b"paint!"),
    "text of an unknown charset": ("text/plain; charset=klingon", b"\xff"),
    "JSON of an unknown charset": ("application/json; charset=klingon", b"{}"),
    "JSON of another kind": ("application/vnd.api+json", b'{"describe": true}'),
    "a form without a boundary": ("multipart/form-data", form(CONTENT, STYLE)),
    "no kind at all": ("", form(CONTENT, STYLE)),
    "a kind that is none": ("\x7f;;=", b"{}"),
    "many kinds": ("application/json, multipart/form-data; boundary=x", form(CONTENT, STYLE)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds(caller: Caller, contract: Contract, kind: str) -> None:
    content_type, body = KINDS[kind]
    answer = caller.send(data=body, headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422)
    name = "Problem" if "problem" in answer.headers["Content-Type"] else "TorchServeError"
    contract.check(answer.json(), name)


UNREADABLE = {
    "a field without a name": (FORM, form(part("", b"1"))),
    "an unknown charset": (FORM, form(part("seed", b"x", b"Content-Type: a/b; charset=c\r\n"))),
    "a percent that is none": ("application/x-www-form-urlencoded", b"%zz=%&&=="),
    "a form of an empty boundary": ("multipart/form-data; boundary=", form(CONTENT)),
}


# TorchServe parses forms before the worker sees them.
@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_forms_that_torchserve_cannot_read(
    torchserve_caller: Caller, contract: Contract, unreadable: str
) -> None:
    content_type, body = UNREADABLE[unreadable]
    answer = torchserve_caller.send(data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 500
    contract.check(answer.json(), "TorchServeError")


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_such_forms_are_malformed_elsewhere(
    asgi_caller: Caller, contract: Contract, unreadable: str
) -> None:
    content_type, body = UNREADABLE[unreadable]
    answer = asgi_caller.send(data=body, headers={"Content-Type": content_type})
    assert answer.status_code == (422 if unreadable == "a field without a name" else 400)
    contract.check(answer.json(), "Problem")


def test_a_picture_may_say_what_it_likes_of_itself(caller: Caller) -> None:
    fields = [part(name, value.encode()) for name, value in TINY.items()]
    body = form(part("content", PNG, OF_JSON, file=True), STYLE, *fields)
    answer = caller.send(data=body, headers={"Content-Type": FORM, "content": "a", "style": "b"})
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
@pytest.mark.parametrize("body", [b"", form(part("alpha", b"1"))])
def test_other_methods(caller: Caller, method: str, body: bytes) -> None:
    answer = caller.send(method, data=body, headers={"Content-Type": FORM})
    assert answer.status_code < 500


HEADERS: dict[str, dict[str, str]] = {
    "a long one": {"X-Long": "a" * 4000},
    "many": {f"X-{i}": "1" for i in range(90)},
    "not ASCII": {"X-Name": "\xe9\xff"},
    "Accept of anything": {"Accept": "*/*;q=nan, text/event-stream;q=0"},
    "Expect": {"Expect": "100-continue"},
    "a range": {"Range": "bytes=0-1"},
}


@pytest.mark.parametrize("headers", HEADERS)
def test_headers(caller: Caller, contract: Contract, headers: str) -> None:
    answer = caller.send(data=form(CONTENT), headers={"Content-Type": FORM, **HEADERS[headers]})
    assert answer.status_code == 400
    contract.check(answer.json(), "Problem")


RAW: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x00\xff" * 50 + b"\r\n\r\n",
    "half a body": b"POST /predictions/bruno HTTP/1.1\r\nContent-Length: 1000\r\n%s\r\n{",
    "a length that is none": b"POST /predictions/bruno HTTP/1.1\r\nContent-Length: -5\r\n%s\r\n",
    "chunks that are none": (
        b"POST /predictions/bruno HTTP/1.1\r\nTransfer-Encoding: chunked\r\n%s\r\nzz\r\n"
    ),
    "two lengths": (
        b"POST /predictions/bruno HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n%s\r\n{}"
    ),
}


@pytest.mark.parametrize("raw", RAW)
def test_what_is_hardly_http(caller: Caller, raw: str) -> None:
    place = urlsplit(caller.server.url)
    head = b"Host: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"
    sent = RAW[raw].replace(b"%s", head.replace(b"%s", caller.server.token.encode()))
    with socket.create_connection((str(place.hostname), place.port or 80), timeout=1) as line:
        line.sendall(sent)
        try:
            answer = line.recv(100)
        except (TimeoutError, ConnectionError):
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 5")


def test_many_small_requests_leave_nothing(caller: Caller, contract: Contract) -> None:
    before = caller.describe()["style_cache"]
    for number in range(200):
        answer = caller.send(json={"content": "YQ==", "style": "YQ==", "seed": number})
        assert answer.status_code == 415
        contract.check(answer.json(), "Problem")
    assert caller.describe()["style_cache"] == before
