"""The real gateway, before servers of a test's own."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from programs import needs

from gateway_process import GatewayProcess
from gateway_settings import GatewaySettings
from make_openapi import TARGET
from serving import find_port

from .upstream import Upstream

TOKEN = "the-token-of-the-servers"  # noqa: S105
PATH = "/predictions/bruno"
Make = Callable[..., GatewayProcess]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(needs("haproxy"))


def eventually(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What becomes true sooner or later."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value


@pytest.fixture(scope="module")
def make_gateway() -> Iterator[Make]:
    """Makes gateways, whose servers are ready where they can be; all are gone at the end."""
    with ExitStack() as stack:

        def make(*servers: str, token: str = TOKEN, ready: int | None = None, **more: Any) -> Any:
            named = {f"BRUNO_GATEWAY_{k}": str(v) for k, v in more.pop("more", {}).items()}
            settings = GatewaySettings(find_port(), token, servers, more=named, **more)
            gateway = GatewayProcess(settings)
            stack.callback(gateway.stop)
            eventually(lambda: gateway.ready() == (len(servers) if ready is None else ready))
            return gateway

        yield make


@pytest.fixture(scope="module")
def make_upstream() -> Iterator[Callable[..., Upstream]]:
    with ExitStack() as stack:
        yield lambda **told: stack.enter_context(closing(Upstream(**told)))


@pytest.fixture(scope="module")
def upstream(make_upstream: Callable[..., Upstream]) -> Upstream:
    return make_upstream()


@pytest.fixture(scope="module")
def gateway(make_gateway: Make, upstream: Upstream) -> GatewayProcess:
    """A gateway before one server that keeps what it was sent."""
    return make_gateway(upstream.address)


def send(gateway: GatewayProcess, method: str = "POST", path: str = PATH, **what: Any) -> Any:
    """An answer of the gateway to who has a key."""
    headers = {"Authorization": f"Bearer {gateway.key}", **what.pop("headers", {})}
    kept = {name: value for name, value in headers.items() if value is not None}
    return requests.request(method, f"{gateway.url}{path}", headers=kept, timeout=60, **what)


def raw(gateway: GatewayProcess, *parts: bytes) -> bytes:
    """All that comes back where bytes are sent as they are."""
    with socket.create_connection(("127.0.0.1", gateway.settings.port), timeout=60) as line:
        line.sendall(b"".join(parts))
        return b"".join(iter(lambda: line.recv(65536), b""))


def parsed(said: bytes) -> requests.Response:
    """Bytes of HTTP as an answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    answer = requests.Response()
    answer.status_code = int(head.split()[1])
    answer.headers.update(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    answer._content = body
    return answer


def check_problem(answer: Any, status: int, code: str) -> None:
    """Raises where an answer is not this problem, as the document has it."""
    document = yaml.safe_load(TARGET.read_text())
    told = answer.json()
    schema = {**document, "$ref": "#/components/schemas/Problem"}
    Draft202012Validator(schema).validate(told)
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert told["request_id"] == answer.headers["x-request-id"]
    if "retry_after" in told:
        assert answer.headers["Retry-After"] == str(told["retry_after"])


def lines(gateway: GatewayProcess) -> list[dict[str, Any]]:
    """The requests that the gateway has written down."""
    return [json.loads(line) for line in gateway.log().splitlines() if line.startswith("{")]
