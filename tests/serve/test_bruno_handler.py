"""The handler inside TorchServe's own service, without its front end."""

from __future__ import annotations

import importlib
import json
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ts.model_loader import TsModelLoader
from ts.protocol.otf_message_handler import create_predict_response
from ts.service import Service
from ts.utils.util import list_classes_from_module

import bruno_handler
from bruno_handler import BrunoHandler
from bruno_service import pools
from bruno_service.draining import Drain
from painter.painting.snapshots import Snapshot

NOTHING: Mapping[str, str] = {}
FORM_TYPE = "multipart/form-data; boundary=x"
CONFIG: dict[str, Any] = {
    "maxWorkers": 1,
    "handler": {"running": 2, "waiting": 1, "slice_seconds": 0.05, "reap_seconds": 60},
}


class Worker:
    """Answers calls as TorchServe's worker does; tells what its front end would read."""

    def __init__(self, handler: BrunoHandler, context: Any) -> None:
        self.handler = handler
        self.service = Service("bruno", "", None, handler.handle, None, 9, metrics_cache=None)
        self.service._context = context
        self.message = bytearray()

    def call(
        self, said: Mapping[str, str] = NOTHING, /, **rows: Any
    ) -> dict[str, tuple[Any, int, dict[str, str], bytes]]:
        """One `handle`: for each request its ts_stream_next, status, headers and body."""
        context = self.service.context
        said = {"Content-Length": "100000", "Content-Type": FORM_TYPE, **said}
        headers = [{"name": k.encode(), "value": v.encode()} for k, v in said.items()]
        batch = [
            {
                "requestId": name.encode(),
                "headers": headers,
                "parameters": [
                    {"name": key, "value": value, "contentType": ""} for key, value in row.items()
                ],
            }
            for name, row in rows.items()
        ]
        processors, data, ids = Service.retrieve_data_for_inference(batch)
        context.request_ids, context.request_processor = ids, processors
        bodies = self.service._entry_point(data, context)
        self.message = create_predict_response(bodies, ids, "ok", 200, context=context)
        return {
            name: (
                context.get_response_headers(index).get("ts_stream_next"),
                context.get_response_status(index)[0],
                context.get_response_headers(index),
                bodies[index],
            )
            for index, name in enumerate(rows)
        }


class Metric:
    """A declared metric that keeps what is written to it."""

    def __init__(self) -> None:
        self.values: list[tuple[float, list[str]]] = []

    def add_or_update(self, value: float, dimensions: list[str]) -> None:
        self.values.append((value, dimensions))


@pytest.fixture(scope="module")
def context(weights: Path) -> Any:
    service = Service("bruno", str(weights.parent), None, None, None, 9)
    service.context.model_yaml_config = CONFIG
    service.context.metrics = SimpleNamespace(cache={})
    return service.context


@pytest.fixture(scope="module")
def worker(context: Any) -> Iterator[Worker]:
    handler = BrunoHandler()
    handler.initialize(context)
    yield Worker(handler, context)
    handler._service.close()


@pytest.fixture
def form(pictures: dict[str, bytes]) -> dict[str, bytearray]:
    fields = {"size": b"64", "steps": b"200", **pictures}
    return {name: bytearray(value) for name, value in fields.items()}


def test_the_loader_finds_one_class_and_no_function() -> None:
    assert list_classes_from_module(bruno_handler) == [BrunoHandler]
    assert not hasattr(bruno_handler, "handle")
    loader = TsModelLoader()
    module, function = loader._load_handler_file("bruno_handler.py")
    assert (module, function) == (importlib.import_module("bruno_handler"), None)


def test_first_and_last_has_no_verdict_and_its_own_status(
    worker: Worker, form: dict[str, bytearray]
) -> None:
    form["alpha"] = bytearray(b"-1")
    verdict, status, headers, body = worker.call(a=form)["a"]
    assert (verdict, status) == (None, 422)
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["request_id"] == "a"


def test_verdicts_from_the_first_piece_to_the_last(
    worker: Worker, form: dict[str, bytearray]
) -> None:
    form["steps"] = bytearray(b"12")
    first = worker.call(a=form)["a"]
    assert (first[0], first[1], first[2]["content-type"]) == ("true", 200, "image/png")
    verdicts = []
    while verdicts[-1:] != ["false"]:
        verdicts.append(worker.call(a={})["a"][0])
        assert len(verdicts) < 100
    assert set(verdicts[:-1]) <= {"true"}


def test_verdicts_are_never_those_of_the_call_before(
    worker: Worker, form: dict[str, bytearray]
) -> None:
    asked = worker.call(a={"body": {"describe": True}}, b=form)
    assert [asked[name][0] for name in "ab"] == [None, "true"]
    asked = worker.call(b={}, c={"body": {"describe": True}})
    assert [asked[name][0] for name in "bc"] == ["true", None]


def test_an_unknown_id_without_fields_was_begun_by_the_worker_before(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.handler, "_calls", 0)
    assert worker.call(gone={})["gone"][0] == "false"


def test_later_it_is_a_form_that_torchserve_could_not_read(worker: Worker) -> None:
    worker.handler._calls = bruno_handler.FIRST_CALLS
    verdict, status, _, body = worker.call(empty={})["empty"]
    assert (verdict, status, json.loads(body)["code"]) == (None, 400, "malformed")
    assert json.loads(body)["detail"].startswith("the form cannot be read")


def test_who_brings_more_than_there_is_memory_for_is_told_alone(
    worker: Worker, form: dict[str, bytearray], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = bruno_handler.submit_row

    def fail(service: Any, id: str, *rest: Any) -> Any:
        if id == "large":
            raise MemoryError
        return submit(service, id, *rest)

    monkeypatch.setattr(bruno_handler, "submit_row", fail)
    asked = worker.call(large=form, other={"body": {"describe": True}})
    verdict, status, headers, body = asked["large"]
    assert (verdict, status, headers["retry-after"]) == (None, 503, "10")
    assert json.loads(body)["code"] == "short_of_memory"
    assert asked["other"][1] == 200


@pytest.mark.parametrize("ending", [b"--x--\r\n", b""])
def test_a_body_that_came_whole_is_read_as_the_asgi_server_does(
    worker: Worker, ending: bytes
) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="alpha"\r\n\r\n-1\r\n'
    says = {"Content-Type": "application/octet-stream", "X-Bruno-Content-Type": FORM_TYPE}
    row = {"body": bytearray(part + ending)}
    verdict, status, _, body = worker.call(says, a=row)["a"]
    assert (verdict, status) == (None, 400)
    assert json.loads(body)["code"] == ("missing_image" if ending else "malformed")


def test_a_token_of_ones_own_is_asked_for(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.handler, "_token", "a-token-of-my-own")
    asks = {"body": {"describe": True}}
    for said in ("", "Bearer", "Bearer no", "Basic a-token-of-my-own"):
        verdict, status, headers, body = worker.call({"Authorization": said}, a=asks)["a"]
        assert (verdict, status, json.loads(body)["code"]) == (None, 401, "unauthorized")
        assert headers["www-authenticate"] == "Bearer"
    known = worker.call({"authorization": "bearer a-token-of-my-own"}, a=asks)["a"]
    assert known[1] == 200


def test_whose_pictures_are_being_decoded_is_left_out_and_asked_for_again(
    worker: Worker, form: dict[str, bytearray], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, make_plan = threading.Event(), pools.make_plan
    monkeypatch.setattr(pools, "make_plan", lambda *given: opened.wait(100) and make_plan(*given))
    form["content"] = form["content"][:200]
    worker.call(decoding=form, described={"body": {"describe": True}})
    assert b"described" in worker.message
    assert b"decoding" not in worker.message
    opened.set()
    while b"decoding" not in worker.message:
        verdict, status, _, _ = worker.call(decoding=form)["decoding"]
    assert (verdict, status) == (None, 415)


def test_no_request_at_all_is_no_reason_to_fail(worker: Worker) -> None:
    assert worker.call() == {}


def test_answers_are_not_stored_and_events_not_held_back(
    worker: Worker, form: dict[str, bytearray]
) -> None:
    form["stream"] = bytearray(b"events")
    headers = worker.call(a=form)["a"][2]
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"


def test_two_workers_are_refused(context: Any) -> None:
    two = SimpleNamespace(model_yaml_config={"maxWorkers": 2})
    with pytest.raises(ValueError, match="maxWorkers must be 1, .* got 2"):
        BrunoHandler().initialize(two)


def test_metrics_are_gauges_as_they_are_and_totals_as_they_grow(worker: Worker) -> None:
    handler, service = worker.handler, SimpleNamespace()
    gauge, total = Metric(), Metric()
    alone = BrunoHandler()
    alone._lock, alone._called, alone._reap_seconds = handler._lock, math.inf, 60.0
    alone._metrics = {"bruno_paintings_running": gauge, "bruno_evaluations_total": total}
    alone._model, alone._written, alone._service = "bruno", {}, service
    alone._drain, alone._sessions = Drain(service), {}
    for running, evaluations in [(2, 10), (2, 15), (0, 15)]:
        tally = {"bruno_paintings_running": running, "bruno_evaluations_total": evaluations}
        service.tally = lambda told=tally: told
        alone._watch()
    assert gauge.values == [(2, ["bruno"]), (0, ["bruno"])]
    assert total.values == [(10, ["bruno"]), (5, ["bruno"])]


def test_silence_stops_all_and_a_late_call_hears_of_it(
    worker: Worker, form: dict[str, bytearray], monkeypatch: pytest.MonkeyPatch
) -> None:
    form |= {"stream": bytearray(b"events"), "steps": bytearray(b"5000")}
    worker.call(a=form)
    handler = worker.handler
    handler._watch()
    assert handler._service.running == 1
    monkeypatch.setattr(handler, "_reap_seconds", 0.0)
    handler._watch()
    assert handler._service.running == 0
    verdict, _, _, body = worker.call(a={})["a"]
    assert verdict == "false"
    assert body.endswith(b"\n\n")
    assert b'event: error\ndata: {"type":"about:blank","title":"Interrupted"' in body


def test_large_answers_arrive_whole_over_several_calls(
    worker: Worker, form: dict[str, bytearray], monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Snapshot.encode
    large = {seed: bytes([seed]) * (2 * bruno_handler.REPLY_BYTES + seed) for seed in (1, 2)}
    monkeypatch.setattr(
        Snapshot, "encode", lambda one: replace(encode(one), data=large[one.canvas.options.seed])
    )
    form["steps"] = bytearray(b"3")
    rows = {name: form | {"seed": bytearray(name[1:].encode())} for name in ("n1", "n2")}
    got, sizes = {"n1": b"", "n2": b""}, []
    while rows:
        answers = worker.call(**rows)
        sizes.append(sum(len(body) for *_, body in answers.values()))
        for name, (verdict, _, _, body) in answers.items():
            if verdict is not None:
                got[name] += body
                rows[name] = {}
            if verdict == "false":
                del rows[name]
    assert max(sizes) == 4 * 2**20
    assert got == {"n1": large[1], "n2": large[2]}
