"""What the real server answers is what the document says."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from PIL import Image

from painter.options.catalog import SPECS

from .conftest import Caller, Contract, read_events

TINY = {"size": "64", "steps": "12", "preview_every": "0.25"}


def test_the_description(caller: Caller, contract: Contract) -> None:
    contract.check(caller.describe(), "Description")


def test_ping(torchserve_caller: Caller, contract: Contract) -> None:
    caller = torchserve_caller
    answer = requests.get(f"{caller.server.url}/ping", headers=caller.headers, timeout=60)
    assert answer.status_code == 200
    contract.check(answer.json(), "Ping")
    refused = requests.get(f"{caller.server.url}/ping", timeout=60)
    assert refused.status_code == 400
    contract.check(refused.json(), "TorchServeError")


def test_health(asgi_caller: Caller, contract: Contract) -> None:
    contract.check(requests.get(f"{asgi_caller.server.url}/health", timeout=60).json(), "Health")


FORMATS = {"png": "png", "png16": "png", "jpeg": "jpeg", "webp": "webp", "tiff": "tiff"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture(
    caller: Caller, contract: Contract, pictures: dict[str, bytes], format: str
) -> None:
    answer = caller.send(files=pictures, data={**TINY, "format": format})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"image/{FORMATS[format]}"
    assert answer.headers["Content-Type"] in contract.media_types(200)
    with Image.open(io.BytesIO(answer.content)) as image:
        image.load()
        text = getattr(image, "text", {}).get("bruno") or image.getexif()[0x010E]
        contract.check(json.loads(text), "Record")


STREAMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lbfgs": {"optimizer": "lbfgs", "content_layers": "conv4_2"},
    "wasserstein": {"style_loss": "wasserstein", "init": "noise"},
    "plateau": {"steps": "0", "max_seconds": "1"},
    "pyramid": {"size": "160", "levels": "3", "style_scale": "[2]"},
    "luminance": {"color": "luminance", "style_layers": "all", "alpha": "0"},
}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_event(
    caller: Caller, contract: Contract, pictures: dict[str, bytes], stream: str
) -> None:
    fields = {**TINY, **STREAMS[stream], "stream": "events"}
    answer = caller.send(files=pictures, data=fields)
    assert answer.headers["Content-Type"].partition(";")[0] in contract.media_types(200)
    events = read_events(answer.content)
    for name, data in events:
        contract.check({"event": name, "data": json.dumps(data)}, "Event")
        contract.check(data, name.capitalize())
    names = [name for name, _ in events]
    assert names[0] == "accepted"
    assert "progress" in names
    assert [name for name in names if name in ("painting", "error")] == ["painting"]
    assert names[-1] == "painting"
    assert events[-1][1]["record"]["options"] == events[0][1]["options"]


def test_masks_and_a_preview_that_is_gone_on_from(
    caller: Caller, contract: Contract, pictures: dict[str, bytes]
) -> None:
    style = pictures["style"]
    files = {
        "content": pictures["content"],
        "style_1": style,
        "style_2": pictures["content"],
        "mask_1": style,
        "style_mask_2": style,
        "content_mask": style,
        "canvas": style,
        "palette": style,
    }
    resumed = {"init": "image", "resume": '{"level": 1, "step": 4}', "style_weights": "[1, 3]"}
    answer = caller.send(files=files, data={**TINY, **resumed, "stream": "events"})
    (_, accepted), *_, (_, painting) = read_events(answer.content)
    contract.check(accepted, "Accepted")
    contract.check(painting, "Painting")
    assert accepted["resumed"] == {"level": 1, "step": 4}
    assert set(painting["record"]["digests"]["masks"]) == {"mask_1", "style_mask_2", "content_mask"}


BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "nothing": (400, {"data": {"size": "64"}}),
    "no JSON": (400, {"data": b"{", "headers": {"Content-Type": "application/json"}}),
    "no picture": (415, {"files": {"content": b"a", "style": b"b"}}),
    "no option": (422, {"json": {"content": "YQ==", "style": "YQ==", "alhpa": 1}}),
    "too much": (413, {"files": {"content": bytes(50 * 2**20), "style": b"b"}}),
}


@pytest.mark.parametrize("bad", BAD)
def test_every_problem(caller: Caller, contract: Contract, bad: str) -> None:
    status, what = BAD[bad]
    answer = caller.send(**what)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "application/problem+json" in contract.media_types(status)
    contract.check(answer.json(), "Problem")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_an_error_within_a_stream_is_a_problem(caller: Caller, contract: Contract) -> None:
    problem = caller.send(data={"stream": "events"}).json()
    contract.check({"event": "error", "data": json.dumps(problem)}, "Event")


def test_torchserve_refuses_a_wrong_token_itself(
    torchserve_caller: Caller, contract: Contract
) -> None:
    answer = torchserve_caller.send(headers={"Authorization": "Bearer no"}, json={"describe": True})
    assert (answer.status_code, answer.json()["type"]) == (400, "InvalidKeyException")
    assert answer.headers["Content-Type"] in contract.media_types(400)
    contract.check(answer.json(), "TorchServeError")


def test_torchserve_refuses_more_than_64_mib_without_a_word(torchserve_caller: Caller) -> None:
    answer = torchserve_caller.send(files={"content": bytes(65 * 2**20)})
    assert (answer.status_code, answer.content) == (413, b"")


def test_the_line_and_its_end(
    caller: Caller, contract: Contract, pictures: dict[str, bytes]
) -> None:
    limits = caller.describe()["limits"]
    long = {"size": "64", "steps": "5000", "stream": "events", "preview_every": "0"}
    with ExitStack() as stack:
        streams = []
        for place in range(limits["running"] + limits["waiting"]):
            answer = stack.enter_context(caller.send(files=pictures, data=long, stream=True))
            streams.append(events_as_they_come(answer))
            name, data = next(streams[-1])
            assert name == ("accepted" if place < limits["running"] else "waiting")
            contract.check(data, name.capitalize())
        refused = caller.send(files=pictures, data=long)
        told = caller.describe()
    contract.check(told, "Description")
    assert (told["health"], refused.status_code) == ("full", 503)
    contract.check(refused.json(), "Problem")
    assert refused.headers["Retry-After"] == str(refused.json()["retry_after"])
    end = time.monotonic() + 20
    while caller.describe()["running"]:
        assert time.monotonic() < end


def events_as_they_come(answer: requests.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines(chunk_size=1):
        key, _, value = line.decode().partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def bounds(contract: Contract) -> Iterator[tuple[str, float, int]]:
    """Options with a value at a bound or beyond it, and the status that this has."""
    for name in SPECS:
        schema = contract.whole["components"]["schemas"]["Options"]["properties"][name]
        branches = [contract.resolved(one) for one in [schema, *schema.get("anyOf", [])]]
        (bounded,) = (one for one in branches if "minimum" in one) if SPECS[name].high else ({},)
        if bounded:
            low, high = bounded["minimum"], bounded["maximum"]
            beyond = 1 if SPECS[name].kind == "integer" else (high - low) * 1e-6
            yield from ((name, low, 415), (name, high, 415))
            yield from ((name, low - beyond, 422), (name, high + beyond, 422))


# Options are read before pictures are, so that a text for a picture tells that they are good.
def test_the_bounds_are_the_servers(caller: Caller, contract: Contract) -> None:
    tried = list(bounds(contract))
    assert len(tried) >= 4 * 14
    for name, value, status in tried:
        answer = caller.send(files={"content": b"no", "style": b"no"}, data={name: repr(value)})
        assert (name, value, answer.status_code) == (name, value, status)
        assert answer.json()["field"] == ("content" if status == 415 else name)


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind == "choice"])
def test_the_choices_are_the_servers(caller: Caller, contract: Contract, name: str) -> None:
    choices = contract.whole["components"]["schemas"]["Options"]["properties"][name]["enum"]
    texts = {"content": b"no", "style": b"no"}
    for choice in choices:
        assert caller.send(files=texts, data={name: choice}).status_code == 415
    assert caller.send(files=texts, data={name: "other"}).status_code == 422


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind == "losses"])
def test_losses_as_text_are_the_servers(caller: Caller, contract: Contract, name: str) -> None:
    first, second = SPECS[name].choices[:2]
    texts = {"content": b"no", "style": b"no"}
    for text in (*SPECS[name].choices, f"{first},{second}", f"{first}:1,{second}:0.5"):
        contract.check(text, f"PaintForm/properties/{name}")
        assert caller.send(files=texts, data={name: text}).status_code == 415
    for text in ("other", f"{first}:1,{second}", f"{first},"):
        with pytest.raises(Exception, match="does not match"):
            contract.check(text, f"PaintForm/properties/{name}")
        assert caller.send(files=texts, data={name: text}).status_code == 422


LAYERS = ["all", "conv1_1", "relu5_4,conv2_2", "conv1_1:16,conv2_1:0.5"]


@pytest.mark.parametrize("layers", [*LAYERS, "conv1_3", "conv1_1,", "conv1_1:2,conv2_1", ""])
def test_layers_as_text_are_the_servers(caller: Caller, contract: Contract, layers: str) -> None:
    known = layers in LAYERS
    if known:
        contract.check(layers, "LayersText")
    else:
        with pytest.raises(Exception, match="does not match"):
            contract.check(layers, "LayersText")
    texts = {"content": b"no", "style": b"no"}
    answer = caller.send(files=texts, data={"style_layers": layers})
    assert answer.status_code == (415 if known else 422)
