"""What reaches a server, and what of its answers comes back, as it comes."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from gateway_process import GatewayProcess

from .conftest import TOKEN, Make, check_problem, eventually, lines, send
from .upstream import PAINTED, Received, Upstream, whole

FORM = "multipart/form-data; boundary=x"
BYTES = "application/octet-stream"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

SENT: dict[str, tuple[dict[str, str], tuple[str, str]]] = {
    "a form": ({"Content-Type": FORM}, (BYTES, FORM)),
    "a form in capitals": ({"Content-Type": "Multipart/Form-Data"}, (BYTES, "Multipart/Form-Data")),
    "JSON": ({"Content-Type": "application/json"}, (BYTES, "application/json")),
    "as the SDK": ({"Content-Type": BYTES, "X-Bruno-Content-Type": FORM}, (BYTES, FORM)),
    "a form that hides": ({"Content-Type": FORM, "X-Bruno-Content-Type": "a/b"}, (BYTES, FORM)),
    "an URL's form": (
        {"Content-Type": "application/x-www-form-urlencoded"},
        (BYTES, "application/x-www-form-urlencoded"),
    ),
}


@pytest.mark.parametrize("kind", SENT)
def test_no_server_is_told_of_a_form(
    gateway: GatewayProcess, upstream: Upstream, kind: str
) -> None:
    headers, told = SENT[kind]
    answer = send(gateway, data=b"--x--" * 60, headers=headers)
    assert (answer.status_code, answer.content) == (200, PAINTED)
    received = upstream.requests[-1]
    (content_type,), (hidden,) = map(received.header, ("content-type", "x-bruno-content-type"))
    assert (content_type, hidden) == told
    assert received.header("content-length") == ["300"]
    assert received.header("transfer-encoding") == []
    assert received.body == b"--x--" * 60


def test_the_servers_have_a_token_of_their_own(gateway: GatewayProcess, upstream: Upstream) -> None:
    send(gateway, data=b"a form", path="/predictions/bruno?customized=true")
    received = upstream.requests[-1]
    assert received.header("authorization") == [f"Bearer {TOKEN}"]
    assert received.head.startswith(b"POST /predictions/bruno HTTP/1.1\r\n")
    assert gateway.key.encode() not in received.head


@pytest.mark.parametrize("sent", [TRACE, "", "nonsense", TRACE[:-1], TRACE.upper()])
def test_a_trace_goes_on_or_begins(gateway: GatewayProcess, upstream: Upstream, sent: str) -> None:
    send(gateway, data=b"a form", headers={"traceparent": sent, "X-Request-Id": "mine"})
    received = upstream.requests[-1]
    (trace,) = received.header("traceparent")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", trace)
    assert (trace == sent) is (sent == TRACE)
    (name,) = received.header("x-request-id")
    assert re.fullmatch("[0-9a-f-]{36}", name)
    written = eventually(lambda: [line for line in lines(gateway) if line["request_id"] == name])
    assert written[0]["traceparent"] == trace
    assert written[0]["upstream_id"] == "of-the-server"


def test_a_line_for_each_request_without_its_key(gateway: GatewayProcess) -> None:
    before = len(lines(gateway))
    send(gateway, data=b"a form")
    send(gateway, "GET", "/odd")
    eventually(lambda: len(lines(gateway)) >= before + 2)
    painted, refused = lines(gateway)[before:]
    assert (painted["client"], painted["status"], painted["backend"]) == ("owner", 200, "fleet")
    assert painted["total_ms"] >= painted["head_ms"] >= 0
    assert (refused["status"], refused["path"], refused["server"]) == (404, "/odd", "<NOSRV>")
    assert gateway.key not in gateway.log()
    assert TOKEN not in gateway.log()


def test_events_come_one_by_one(make_gateway: Make, make_upstream: Callable[..., Upstream]) -> None:
    read = threading.Semaphore(0)

    def tell(received: Received) -> None:
        received.line.sendall(EVENTS)
        for number in range(5):
            event = b"event: progress\ndata: %d\n\n" % number
            received.line.sendall(b"%x\r\n%s\r\n" % (len(event), event))
            assert read.acquire(timeout=60)
        received.line.sendall(b"0\r\n\r\n")

    gateway = make_gateway(make_upstream(paints=tell).address)
    headers = {"Accept": "text/event-stream"}
    with send(gateway, data=b"a form", headers=headers, stream=True) as answer:
        for line in answer.iter_lines(chunk_size=1):
            if line.startswith(b"data"):
                read.release()


LOST: dict[str, tuple[Callable[[Received], None], int, str]] = {
    "it ends": (lambda received: received.line.close(), 502, "interrupted"),
    "it speaks nonsense": (
        lambda received: received.line.sendall(b"what?\r\n\r\n"),
        502,
        "interrupted",
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_a_server_that_is_lost(
    make_gateway: Make, make_upstream: Callable[..., Upstream], how: str
) -> None:
    paints, status, code = LOST[how]
    gateway = make_gateway(make_upstream(paints=paints).address)
    # Longer than what the gateway keeps for another try.
    check_problem(send(gateway, data=bytes(10**6)), status, code)


def test_a_server_that_was_lost_is_followed_by_another(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    gone, there = make_upstream(), make_upstream()
    gateway = make_gateway(gone.address, there.address)
    gone.close()
    for _ in range(4):
        assert send(gateway, data=bytes(10**6)).status_code == 200
    assert len(there.requests) == 4


def test_an_answer_of_a_server_is_as_it_was(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    refused = whole(b'{"code":"full"}', b"503 Full", b"Retry-After: 7\r\nts_stream_next: true\r\n")
    upstream = make_upstream(paints=lambda received: received.line.sendall(refused))
    answer = send(make_gateway(upstream.address), data=b"a form")
    assert (answer.status_code, answer.json()) == (503, {"code": "full"})
    assert answer.headers["Retry-After"] == "7"
    assert "ts_stream_next" not in answer.headers


def test_a_client_that_leaves_ends_it_at_the_server(
    make_gateway: Make, make_upstream: Callable[..., Upstream]
) -> None:
    left = threading.Event()

    def tell(received: Received) -> None:
        received.line.sendall(EVENTS + b"1\r\n\n\r\n")
        received.line.settimeout(60)
        try:
            is_over = received.line.recv(1) == b""
        except ConnectionError:
            is_over = True
        if is_over:
            left.set()

    gateway = make_gateway(make_upstream(paints=tell).address)
    with send(gateway, data=b"a form", stream=True) as answer:
        next(answer.iter_content(1))
    assert left.wait(60)


def test_over_tls(make_gateway: Make, upstream: Upstream, tmp_path: Path) -> None:
    pem = tmp_path / "gateway.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    subprocess.run(["openssl", "req", *kind, *names, *made], check=True, capture_output=True)
    pem.write_text("".join((tmp_path / part).read_text() for part in ("certificate", "key")))
    gateway = make_gateway(upstream.address, more={"TLS": pem})
    assert gateway.url.startswith("https:")
    answer = send(gateway, data=b"a form", verify=str(tmp_path / "certificate"))
    assert answer.status_code == 200


def test_metrics_for_prometheus_at_a_port_of_their_own(gateway: GatewayProcess) -> None:
    told = requests.get(f"http://127.0.0.1:{gateway.settings.port + 1}/metrics", timeout=60)
    assert 'haproxy_backend_active_servers{proxy="fleet"} 1' in told.text
    assert requests.get(told.url.removesuffix("metrics"), timeout=60).status_code == 404
