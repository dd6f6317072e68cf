"""What is told of a painting: in the metrics, in one line of the log, and as spans."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bruno_service import tracing
from bruno_service.limits import Limits
from bruno_service.origin import Origin
from bruno_service.service import Service
from bruno_service.session import Session
from painter.engine.painter import Painter

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ORIGIN = Origin(TRACE, "gateway-7")


@pytest.fixture
def service(painter: Painter) -> Iterator[Service]:
    made = Service(lambda: painter, Limits(running=1, waiting=1))
    made.engine.ask(math.inf)
    yield made
    made.close()


def paint(service: Service, pictures: dict[str, bytes], **fields: Any) -> Session:
    """A request, and all of its answer."""
    options = {"size": 64, "steps": 4, "preview_every": 0.25, "stream": "events"}
    session = service.submit("r1", lambda: {**options, **pictures, **fields}, "", ORIGIN)
    end = time.monotonic() + 100
    while not session.is_closed:
        assert time.monotonic() < end
        service.move_until(lambda: session.has_news, 0.1)
        service.take(session, 2**20)
    return session


def line_of(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (said,) = [record.getMessage() for record in caplog.records]
    word, _, told = said.partition(" ")
    assert word == "painting"
    return dict(json.loads(told))


def test_a_painting_is_one_line_of_the_log(
    service: Service, pictures: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bruno_service"):
        paint(service, pictures)
    told = line_of(caplog)
    ids = {"request_id": "r1", "traceparent": TRACE, "upstream_id": "gateway-7"}
    made = {"outcome": "finished", "code": None, "events": True}
    sizes = {"width": 64, "height": 64, "steps": 4}
    assert {name: told[name] for name in ids | made | sizes} == ids | made | sizes
    stages = ["decode", "wait", "paint", "encode"]
    assert all(told[f"{stage}_seconds"] >= 0 for stage in [*stages, "first_preview"])
    # Decoding is a part of the waiting; nothing else is counted twice.
    assert told["total_seconds"] >= sum(told[f"{stage}_seconds"] for stage in stages[1:]) - 0.01


def test_what_is_refused_is_a_line_with_its_code_and_nothing_of_what_was_sent(
    service: Service, pictures: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bruno_service"):
        paint(service, pictures, size="a secret")
    told = line_of(caplog)
    assert (told["outcome"], told["code"]) == ("refused", "option_wrong_type")
    assert (told["width"], told["steps"], told["paint_seconds"]) == (None, 0, None)
    assert "secret" not in json.dumps(told)


def test_a_painting_is_counted_with_its_steps_and_seconds(
    service: Service, pictures: dict[str, bytes]
) -> None:
    paint(service, pictures)
    paint(service, pictures, size="nonsense")
    tally = service.tally()
    assert 0 <= time.time() - tally["bruno_start_time_seconds"] < 10_000
    assert tally["bruno_paintings_finished_total"] == 1
    assert tally['bruno_paintings_refused_total{code="option_wrong_type"}'] == 1
    for name in ("first_preview", "painting", "wait"):
        assert tally[f"bruno_{name}_seconds_count"] == 1
    assert tally['bruno_steps_total{size="64"}'] == 4
    assert 0 < tally['bruno_paint_seconds_total{size="64"}'] <= tally["bruno_painting_seconds_sum"]
    assert tally["bruno_turns_total"] > 0
    assert tally["bruno_turn_seconds_total"] > 0
    assert tally['bruno_memory_bytes{where="host"}'] > 2**20
    assert tally['bruno_memory_budget_bytes{where="host"}'] > 2**20
    assert (tally["bruno_running_limit"], tally["bruno_waiting_limit"]) == (1, 1)


def test_steps_only_grow_while_a_painting_is_made_and_when_it_is_left(
    service: Service, pictures: dict[str, bytes]
) -> None:
    options = {"size": 64, "steps": 1000, "stream": "events", **pictures}
    session = service.submit("r1", lambda: options, "")
    seen = [0.0]
    end = time.monotonic() + 100
    while seen[-1] < 3:
        assert time.monotonic() < end
        service.move_until(lambda: session.has_news, 0.1)
        seen.append(service.tally().get('bruno_steps_total{size="64"}', 0))
    service.cancel(session)
    tally = service.tally()
    assert sorted(seen) == seen
    assert tally['bruno_steps_total{size="64"}'] >= seen[-1]
    assert tally["bruno_paintings_cancelled_total"] == 1
    assert tally["bruno_painting_seconds_count"] == 0


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """An OTLP receiver: all the spans that were sent to it."""
    spans: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            sent = ExportTraceServiceRequest()
            sent.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(
                span for of in sent.resource_spans for part in of.scope_spans for span in part.spans
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(tracing.ENDPOINTS[0], f"http://127.0.0.1:{server.server_port}")
    tracing._tracer.cache_clear()
    yield spans
    tracing._tracer.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_go_to_the_endpoint_within_the_trace_that_the_request_names(
    service: Service, pictures: dict[str, bytes], receiver: list[Any]
) -> None:
    before = time.time_ns()
    paint(service, pictures)
    tracer: Any = tracing._tracer()
    tracer.span_processor.shutdown()
    spans = {span.name: span for span in receiver}
    assert set(spans) == {"painting", *tracing.SPANS}
    whole = spans.pop("painting")
    assert whole.trace_id.hex() == TRACE.split("-")[1]
    assert whole.parent_span_id.hex() == TRACE.split("-")[2]
    assert before <= whole.start_time_unix_nano < whole.end_time_unix_nano <= time.time_ns()
    for span in spans.values():
        assert span.parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= span.start_time_unix_nano + 10**6
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    said = {each.key: each.value for each in whole.attributes}
    assert said["bruno.outcome"].string_value == "finished"
    assert said["bruno.steps"].int_value == 4


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    program = """
import sys
from bruno_service import tracing
from bruno_service.session import Session
session = Session("r1", 0.0)
session.timeline.mark("closed")
tracing.trace(session)
sys.exit(any(name.startswith("opentelemetry") for name in sys.modules))
"""
    handler = Path(tracing.__file__).parents[1]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=handler, env={}, check=False)
    assert done.returncode == 0
