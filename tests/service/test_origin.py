"""Which trace a request belongs to."""

from __future__ import annotations

import pytest

from bruno_service.origin import NOWHERE, Origin, origin_of

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_and_a_name_are_kept() -> None:
    headers = {"traceparent": TRACE, "x-request-id": "7f-3:a.b/c=", "accept": "*/*"}
    assert origin_of(headers) == Origin(TRACE, "7f-3:a.b/c=")


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        TRACE.upper(),
        TRACE + "-more",
        "ff" + TRACE[2:],
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
    ],
)
def test_what_is_no_trace_is_none(traceparent: str) -> None:
    assert origin_of({"traceparent": traceparent}) == NOWHERE


@pytest.mark.parametrize("name", ["", "a b", "ä", "a\nb", '"', "x" * 129])
def test_a_name_that_would_break_a_line_is_left_out(name: str) -> None:
    assert origin_of({"x-request-id": name}) == NOWHERE
