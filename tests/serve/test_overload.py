"""More clients than places: each is told when to come again, and whoever may come in is let in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from bruno import Bruno

TINY = {"size": "64", "steps": "3", "preview_every": "0"}
LONG = TINY | {"steps": "5000"}
CROWD = 60


@pytest.fixture
def full(server: Any, pictures: dict[str, bytes]) -> Iterator[ExitStack]:
    """All places are taken until the stack is closed."""
    with ExitStack() as held:
        limits, heard = _describe(server)["limits"], []
        for _ in range(limits["running"] + limits["waiting"]):
            stream = held.enter_context(_post(server, pictures, LONG, stream=True))
            heard.append(stream.iter_lines())  # one that is forgotten ends its stream
            assert next(heard[-1]).startswith(b"event: ")
        assert _describe(server)["health"] == "full"
        yield held


def _post(server: Any, pictures: dict[str, bytes], fields: Any, **how: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "text/event-stream"}
    url = f"{server.url}/predictions/bruno"
    return requests.post(url, fields, files=pictures, headers=headers, timeout=300, **how)


def _describe(server: Any) -> Any:
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/predictions/bruno"
    answer = requests.post(url, json={"describe": True}, headers=headers, timeout=300)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("full")
def test_every_refusal_says_when_to_come_again_and_describe_is_answered_beside_them(
    server: Any, pictures: dict[str, bytes]
) -> None:
    with ThreadPoolExecutor(CROWD) as pool:
        crowd = [pool.submit(_post, server, pictures, LONG) for _ in range(CROWD)]
        described = [pool.submit(_describe, server) for _ in range(10)]
        answers = [each.result() for each in crowd]
        assert all(each.result()["health"] == "full" for each in described)
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (503, "full")
        assert int(answer.headers["Retry-After"]) == answer.json()["retry_after"] > 0


def test_clients_wait_until_there_is_a_place(
    server: Any, pictures: dict[str, bytes], full: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not the minute that it is told.
    monkeypatch.setattr("bruno.protocol.retries.pause_before", lambda *_: 0.2)
    with Bruno(server.url, token=server.token, retries=0) as bruno, ThreadPoolExecutor(12) as pool:
        asked = {"size": 64, "steps": 3}
        waiting = [
            pool.submit(bruno.paint, pictures["content"], pictures["style"], **asked)
            for _ in range(12)
        ]
        full.close()
        assert {each.result(300).width for each in waiting} == {64}
