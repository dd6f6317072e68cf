"""The text that Prometheus reads."""

from __future__ import annotations

from bruno_service.metrics import as_text


def test_gauges_and_counters_are_told_apart() -> None:
    assert as_text({"bruno_paintings_running": 2, "bruno_evaluations_total": 7}) == (
        "# TYPE bruno_paintings_running gauge\nbruno_paintings_running 2\n"
        "# TYPE bruno_evaluations_total counter\nbruno_evaluations_total 7\n"
    )
