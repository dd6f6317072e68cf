"""What the gateway refuses, in the words of the contract, before any server hears of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from gateway_process import GatewayProcess
from settings import StartError

from .conftest import Make, check_problem, raw, send
from .upstream import Upstream, whole

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
HEAD = b"POST /predictions/bruno HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(autouse=True)
def unheard(upstream: Upstream) -> Iterator[None]:
    """No server hears of what is refused."""
    before = len(upstream.requests)
    yield
    assert len(upstream.requests) == before


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ping",
        "/predictions/bruno/1.0",
        "/predictions/bruno/",
        "/predictions/other",
        "/Predictions/bruno",
        "/predictions%2Fbruno",
        "/models/bruno",
        "/v1/models/bruno:predict",
        "/invocations",
        "/metrics",
        '/"quotes"',
        "/%00",
        "//predictions/bruno",
        "/" + "a" * 5000,
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_other_paths(gateway: GatewayProcess, method: str, path: str) -> None:
    check_problem(send(gateway, method, path, data=b"{}"), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods(gateway: GatewayProcess, method: str) -> None:
    answer = send(gateway, method, data=b"{}")
    check_problem(answer, 405, "not_found")
    assert answer.headers["Allow"] == "POST"
    assert send(gateway, "DELETE", "/health").headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "HEAD"])
def test_methods_that_go_round_a_proxy(gateway: GatewayProcess, method: str) -> None:
    said = raw(gateway, method.encode(), HEAD[4:], b"Connection: close\r\n\r\n")
    assert said.split(b" ")[1] in (b"400", b"405")


WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    "Basic %s",
    "%s",
    "Bearer %s,",
    "Bearer %s a",
]


@pytest.mark.parametrize("said", WRONG)
def test_wrong_keys(gateway: GatewayProcess, said: str | None) -> None:
    headers = {"Authorization": said and said.replace("%s", gateway.key), **FORM}
    answer = send(gateway, data=b"--x--", headers=headers)
    check_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_two_keys_are_none(gateway: GatewayProcess) -> None:
    key = b"Authorization: Bearer %s\r\n" % gateway.key.encode()
    close = b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    assert raw(gateway, HEAD, key, key, close).startswith(b"HTTP/1.1 401")


def test_a_path_that_leads_round(gateway: GatewayProcess) -> None:
    for path in (
        b"/predictions/../predictions/bruno",
        b"/./predictions/bruno",
        b"predictions/bruno",
    ):
        said = raw(gateway, b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
        assert said.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))


def test_a_keys_line_is_no_key(gateway: GatewayProcess) -> None:
    (line,) = gateway.keys.read_text().splitlines()
    assert gateway.keys.stat().st_mode & 0o077 == 0
    assert gateway.key not in line
    for word in (line.split()[0], "owner"):
        answer = send(gateway, data=b"{}", headers={"Authorization": f"Bearer {word}"})
        check_problem(answer, 401, "unauthorized")


def test_without_a_length(gateway: GatewayProcess) -> None:
    check_problem(send(gateway, data=iter([b"{}"])), 411, "length_required")


EARLY = {"401": b"Bearer wrong", "413": b"Bearer %s"}


@pytest.mark.parametrize("status", EARLY)
def test_before_the_body_is_read(gateway: GatewayProcess, status: str) -> None:
    key = EARLY[status].replace(b"%s", gateway.key.encode())
    length = b"Content-Length: %d\r\n\r\n" % (60 << 20)
    said = raw(gateway, HEAD, b"Authorization: ", key, b"\r\n", length)
    assert said.startswith(b"HTTP/1.1 " + status.encode())
    assert b"application/problem+json" in said


@pytest.mark.parametrize("status", EARLY)
def test_whoever_sends_all_the_same_hears_of_it(gateway: GatewayProcess, status: str) -> None:
    key = EARLY[status].decode().replace("%s", gateway.key)
    answer = send(gateway, data=bytes(50 << 20), headers={"Authorization": key})
    check_problem(answer, int(status), "unauthorized" if status == "401" else "body_too_large")


def test_guesses_end_and_only_of_this_address(make_gateway: Make, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.address, more={"GUESSES": 3})
    wrong = {"Authorization": "Bearer wrong"}
    said = [send(gateway, data=b"{}", headers=wrong).status_code for _ in range(6)]
    assert said == [401] * 4 + [429] * 2
    # Else a guess that is right would be told from those that are wrong.
    check_problem(send(gateway, data=b"{}"), 429, "too_many")
    assert send(gateway, "GET", "/health").status_code == 200


def test_without_servers(make_gateway: Make) -> None:
    gateway = make_gateway()
    check_problem(send(gateway, data=b"{}"), 503, "unavailable")
    health = send(gateway, "GET", "/health", headers={"Authorization": None})
    assert (health.status_code, health.json()) == (503, {"health": "warming"})


UNREADY = {
    "it says no": whole(b'{"code":"interrupted"}', b"503 Service Unavailable"),
    "it drains": whole(b'{"health":"draining"}'),
    "it is another": whole(b"hello"),
}


@pytest.mark.parametrize("why", UNREADY)
def test_a_server_that_is_not_ready_never_gets_a_request(
    make_gateway: Make, make_upstream: Callable[..., Upstream], why: str
) -> None:
    other = make_upstream(health=UNREADY[why])
    gateway = make_gateway(other.address, ready=0)
    check_problem(send(gateway, data=b"{}"), 503, "unavailable")
    assert other.ended.acquire(timeout=60)  # it was asked whether it is ready
    check_problem(send(gateway, data=b"{}"), 503, "unavailable")
    assert other.requests == []


def test_a_head_that_never_ends(make_gateway: Make, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.address, more={"HEAD": "300ms", "SILENCE": "300ms"})
    assert raw(gateway, HEAD).startswith(b"HTTP/1.1 408")
    assert raw(gateway) in (b"",) or raw(gateway).startswith(b"HTTP/1.1 408")


def test_what_is_no_http(gateway: GatewayProcess) -> None:
    for nonsense in (b"\x16\x03\x01\x00\xff" * 50, b"GET\r\n\r\n"):
        assert raw(gateway, nonsense)[:12] in (b"", b"HTTP/1.1 400")


def test_a_server_that_is_there_and_a_client_that_goes_on(gateway: GatewayProcess) -> None:
    with socket.create_connection(("127.0.0.1", gateway.settings.port), timeout=60) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(65536).endswith(b'{"health":"ready"}')


def test_settings_are_told_in_one_sentence(make_gateway: Make) -> None:
    for server in ("nowhere", "no-such-host.invalid:80"):
        with pytest.raises(StartError, match="server"):
            make_gateway(server)
    with pytest.raises(StartError, match="HAProxy refused"):
        make_gateway(more={"AT_ONCE": "many"})
