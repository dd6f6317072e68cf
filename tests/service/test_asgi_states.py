"""What the ASGI application says of a service that is not ready yet, or not any more."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bruno_service import asgi


class Client:
    """Speaks ASGI with an application, within its lifespan."""

    def __init__(self, application: asgi.Application) -> None:
        self.application = application

    async def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        await self.application({**scope, "query_string": b""}, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("watch", "drive"):
        monkeypatch.setattr(asgi, name, lambda *_: None)
    tally = {"bruno_paintings_running": 1}
    engine = SimpleNamespace(ask=lambda _until: None)
    return SimpleNamespace(engine=engine, health="ready", tally=lambda: tally)


def test_health_follows_the_service_from_its_start_to_its_end(service: Any) -> None:
    made = threading.Event()
    application = asgi.Application(lambda: made.wait(100) and service, "token")
    client = Client(application)

    async def talk() -> None:
        async with application._lifespan(application._app):
            assert await client.get("/health") == (503, b'{"health":"warming"}')
            made.set()
            await application._starting
            for state in ("ready", "busy", "full"):
                service.health = state
                assert await client.get("/health") == (200, b'{"health":"%s"}' % state.encode())
            for state in ("draining", "broken"):
                service.health = state
                assert await client.get("/health") == (503, b'{"health":"%s"}' % state.encode())
            assert (await client.get("/metrics"))[0] == 401
            assert (await client.get("/metrics", "wrong"))[0] == 401
            status, text = await client.get("/metrics", "token")
            assert status == 200
            # Of before: three and three of /health, and two refusals of a token.
            for told in (b"2xx", b"5xx"):
                assert b'bruno_answers_total{class="%s"} 3\n' % told in text
            assert b'bruno_answers_total{class="4xx"} 2\n' in text
            assert b"bruno_paintings_running 1\n" in text

    asyncio.run(talk())
