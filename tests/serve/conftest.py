"""A way to ask a real server."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

# TorchServe leaves a file open when it is imported, which would fail the test that runs then.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)
    importlib.import_module("ts")


class Service:
    """The running server as a client sees it."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/predictions/bruno"
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, files: dict[str, Any] | None = None, **fields: str) -> requests.Response:
        """Sends a form and reads the whole answer."""
        return requests.post(self.url, files=files, data=fields, headers=self.headers, timeout=100)

    def stream(self, files: dict[str, Any], **fields: str) -> requests.Response:
        """Sends a form and returns when the answer begins; it must be closed."""
        return requests.post(
            self.url,
            files=files,
            data=fields | {"stream": "events"},
            headers=self.headers,
            timeout=100,
            stream=True,
        )

    def describe(self) -> dict[str, Any]:
        """What the service tells about itself."""
        answer = requests.post(self.url, json={"describe": True}, headers=self.headers, timeout=100)
        assert answer.status_code == 200
        return dict(answer.json())


def _events(answer: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in answer.iter_lines(chunk_size=None):
        key, _, value = line.decode().partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


@pytest.fixture(scope="session")
def events() -> Callable[[requests.Response], Iterator[tuple[str, dict[str, Any]]]]:
    """Reads the events of a stream as they come, each as its name and data."""
    return _events


@pytest.fixture(scope="session")
def reach() -> Callable[[Any], Service]:
    """A running server as a client sees it."""
    return lambda server: Service(server.url, server.token)


@pytest.fixture(scope="session")
def service(server: Any) -> Service:
    """Each of the two real servers, ready to paint."""
    return Service(server.url, server.token)
