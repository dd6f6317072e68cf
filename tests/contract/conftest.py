"""What the tests of the contract share: the document, tiny pictures, and a way to send anything."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from make_openapi import TARGET


@dataclass(frozen=True)
class Contract:
    """The document as it is in the repository."""

    whole: dict[str, Any]

    def check(self, value: Any, name: str) -> None:
        """Raises ValidationError where a value is not what the schema of this name says."""
        schema = {**self.whole, "$ref": f"#/components/schemas/{name}"}
        Draft202012Validator(schema).validate(value)

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its own references to others replaced by what they name."""
        while "$ref" in schema:
            target: Any = self.whole
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
        return schema

    def media_types(self, status: int) -> set[str]:
        """What an answer of POST /predictions/bruno with this status may be."""
        responses = self.whole["paths"]["/predictions/bruno"]["post"]["responses"]
        return set(self.resolved(responses[str(status)]).get("content", {}))


@dataclass(frozen=True)
class Caller:
    """Sends requests as they are, good or bad."""

    server: Any

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.server.token}"}

    def send(self, method: str = "POST", **what: Any) -> requests.Response:
        headers = {**self.headers, **what.pop("headers", {})}
        url = f"{self.server.url}/predictions/bruno"
        return requests.request(method, url, headers=headers, timeout=60, **what)

    def describe(self) -> dict[str, Any]:
        answer = self.send(json={"describe": True})
        assert answer.status_code == 200
        return dict(answer.json())

    def workers(self) -> set[int]:
        """The processes of the server; a worker that was restarted has another number.

        Those that read pictures may come and go.
        """
        members = self.server.process.members()
        return {each.pid for each in members if "bruno_service.reader" not in each.cmdline()}


def tiny_picture(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 40), color).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(yaml.safe_load(TARGET.read_text()))


@pytest.fixture(scope="session")
def caller(server: Any) -> Caller:
    return Caller(server)


@pytest.fixture(scope="session")
def torchserve_caller(torchserve: Any) -> Caller:
    return Caller(torchserve)


@pytest.fixture(scope="session")
def asgi_caller(asgi: Any) -> Caller:
    return Caller(asgi)


@pytest.fixture
def unharmed(caller: Caller) -> Iterator[None]:
    """Whatever is sent in a test, the same worker answers after it, and paints nothing more."""
    before = caller.workers()
    yield
    told = caller.describe()
    assert (told["running"], told["waiting"]) == (0, 0)
    assert caller.workers() == before


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    return {"content": tiny_picture("teal"), "style": tiny_picture("orange")}


def read_events(body: bytes) -> list[tuple[str, Any]]:
    """The events of a whole stream, each as its name and data."""
    events = body.decode().removesuffix("\n\n").split("\n\n")
    pairs = [event.removeprefix("event: ").split("\ndata: ") for event in events]
    return [(name, json.loads(data)) for name, data in pairs]
