"""Requests within requests: a server sees what one client said, and nothing after it."""

from __future__ import annotations

import pytest

from gateway_process import GatewayProcess

from .conftest import eventually, raw
from .upstream import PAINTED, Upstream

INNER = b"POST /predictions/bruno HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nHIDDEN"
LINE = b"POST /predictions/bruno HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def length(number: int) -> bytes:
    return b"Content-Length: %d\r\n" % number


AS_CHUNKS = b"0\r\n\r\n" + INNER
AS_LENGTH = b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER)
# What frames a body in two ways; behind it stands what one of them takes for another request.
SMUGGLED = {
    "CL.TE": (length(len(AS_CHUNKS)) + CHUNKED, AS_CHUNKS),
    "TE.CL": (CHUNKED + length(4), AS_LENGTH),
    "TE.TE, the second unknown": (CHUNKED + b"Transfer-Encoding: x\r\n", AS_CHUNKS),
    "a TE that is none": (length(4) + b"Transfer-Encoding: xchunked\r\n", b"1234" + INNER),
    "a TE with a space": (length(4) + b"Transfer-Encoding : chunked\r\n", b"1234" + INNER),
    "a TE after a tab": (length(4) + b"Transfer-Encoding:\tchunked\r\n", AS_CHUNKS),
    "a TE on a second line": (
        length(4) + b"X: y\r\n Transfer-Encoding: chunked\r\n",
        b"1234" + INNER,
    ),
    "a TE after a bare line end": (length(4) + b"X: y\nTransfer-Encoding: chunked\r\n", AS_CHUNKS),
    "two lengths": (length(4) + length(4 + len(INNER)), b"1234" + INNER),
    "two lengths in one": (b"Content-Length: 4, 90\r\n", b"1234" + INNER),
    "a length with a sign": (b"Content-Length: +4\r\n", b"1234" + INNER),
    "a length in hex": (b"Content-Length: 0x4\r\n", b"1234" + INNER),
    "a length that is less than none": (b"Content-Length: -1\r\n", INNER),
    "a chunk that is too long": (CHUNKED, b"fffffffffffffffff\r\n" + INNER),
}


@pytest.mark.parametrize("way", SMUGGLED)
def test_a_request_within_a_request(gateway: GatewayProcess, upstream: Upstream, way: str) -> None:
    before = len(upstream.requests)
    head, body = SMUGGLED[way]
    key = b"Authorization: Bearer %s\r\n" % gateway.key.encode()
    said = raw(gateway, LINE, key, head, b"Connection: close\r\n\r\n", body)
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 411", b"HTTP/1.1 200"))
    seen = upstream.requests[before:]
    # Only what has one meaning goes on: four bytes, and nothing behind them.
    assert len(seen) <= 1
    for received in seen:
        assert (received.body, received.rest) == (b"1234", b"")
        assert received.header("content-length") == ["4"]
    assert not any(b"HIDDEN" in received.body for received in seen)


def test_a_request_in_a_body_is_a_body(gateway: GatewayProcess, upstream: Upstream) -> None:
    key = b"Authorization: Bearer %s\r\n" % gateway.key.encode()
    before = len(upstream.requests)
    said = raw(gateway, LINE, key, length(len(INNER)), b"Connection: close\r\n\r\n", INNER)
    assert said.endswith(PAINTED)
    (received,) = upstream.requests[before:]
    assert eventually(lambda: received.body) == INNER
    assert received.rest == b""


def test_two_requests_in_one_go_have_two_answers(
    gateway: GatewayProcess, upstream: Upstream
) -> None:
    before = len(upstream.requests)
    key = b"Authorization: Bearer %s\r\n" % gateway.key.encode()
    one = LINE + key + length(1) + b"\r\n1"
    two = LINE + key + length(2) + b"Connection: close\r\n\r\n22"
    said = raw(gateway, one + two)
    assert said.count(b"HTTP/1.1 200") == said.count(PAINTED) == 2
    assert [received.body for received in upstream.requests[before:]] == [b"1", b"22"]
    assert all(received.rest == b"" for received in upstream.requests[before:])
