"""Spans of OpenTelemetry, sent by OTLP over HTTP where the environment names an endpoint.

Without OTEL_EXPORTER_OTLP_ENDPOINT, or the endpoint of traces alone, nothing of it is imported.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Final

from bruno_service.session import Session
from bruno_service.timeline import STAGES, Timeline

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SPANS: Final = ("wait", "decode", "paint", "encode")

logger = logging.getLogger(__name__)


def trace(session: Session) -> None:
    """Sends the spans of a session that has closed, all at once: one for it, and its stages."""
    tracer = _tracer()
    if tracer is None:
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": session.origin.traceparent or ""}
    parent = TraceContextTextMapPropagator().extract(carrier)
    begin, end = _nanoseconds(session.timeline, "total")
    whole = tracer.start_span("painting", parent, SpanKind.SERVER, _about(session), (), begin)
    within = set_span_in_context(whole)
    for stage in SPANS:
        if session.timeline.seconds(stage) is not None:
            since, until = _nanoseconds(session.timeline, stage)
            span: Span = tracer.start_span(stage, within, start_time=since)
            span.end(until)
    if session.outcome == "failed":
        whole.set_status(Status(StatusCode.ERROR, session.code))
    whole.end(end)


def _about(session: Session) -> dict[str, str | int]:
    width, height = session.size or (0, 0)
    return {
        "bruno.request_id": session.id,
        "bruno.outcome": session.outcome,
        "bruno.code": session.code or "",
        "bruno.width": width,
        "bruno.height": height,
        "bruno.steps": session.steps,
    }


def _nanoseconds(timeline: Timeline, stage: str) -> tuple[int, int]:
    """A stage's begin and end as the wall clock has them."""
    now, wall = timeline.moments["closed"], time.time_ns()
    begin, end = (timeline.moments[moment] for moment in STAGES[stage])
    return wall - int((now - begin) * 1e9), wall - int((now - end) * 1e9)


@cache
def _tracer() -> Tracer | None:
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as missing:
        logger.warning("spans are asked for, and %s is not installed", missing.name)
        return None
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "bruno")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(provider.shutdown)
    return provider.get_tracer("bruno")
