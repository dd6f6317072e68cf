"""The text that Prometheus reads, and that TorchServe is told of all that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from promtool import complaints, needs_promtool

from bruno_service.metrics import CATALOG, Histogram, answers, as_text, metric_of, parts, series

DECLARED = Path(__file__).parents[2] / "config" / "metrics.yaml"


def test_a_series_is_written_as_prometheus_writes_it_and_read_again() -> None:
    name = series("bruno_steps_total", size="512")
    assert name == 'bruno_steps_total{size="512"}'
    assert parts(name) == ("bruno_steps_total", ["512"])
    assert parts("bruno_turns_total") == ("bruno_turns_total", [])


def test_each_metric_has_its_help_and_kind_once() -> None:
    small, large = (series("bruno_steps_total", size=size) for size in ("64", "512"))
    assert as_text({"bruno_paintings_running": 2, small: 7, large: 0.5}) == (
        "# HELP bruno_paintings_running Paintings being made.\n"
        "# TYPE bruno_paintings_running gauge\n"
        "bruno_paintings_running 2\n"
        "# HELP bruno_steps_total Steps, by the longest side rounded up.\n"
        "# TYPE bruno_steps_total counter\n"
        f"{small} 7\n"
        f"{large} 0.5\n"
    )


def test_a_histogram_counts_up_to_each_bound_and_the_bound_itself() -> None:
    histogram = Histogram("bruno_painting_seconds")
    for seconds in (0.5, 1.0, 3.0, 5000.0):
        histogram.observe(seconds)
    samples = histogram.samples()
    counts = [samples[series("bruno_painting_seconds_bucket", le=le)] for le in ("1", "2", "5")]
    assert counts == [2, 2, 3]
    assert samples[series("bruno_painting_seconds_bucket", le="1800")] == 3
    assert samples[series("bruno_painting_seconds_bucket", le="+Inf")] == 4
    assert samples["bruno_painting_seconds_count"] == 4
    assert samples["bruno_painting_seconds_sum"] == 5004.5
    assert {metric_of(parts(name)[0]) for name in samples} == {"bruno_painting_seconds"}


def _example(name: str) -> dict[str, float]:
    metric = CATALOG[name]
    if metric.kind == "histogram":
        return Histogram(name).samples()
    return {series(name, **dict.fromkeys(metric.labels, "x")): 1.0}


@needs_promtool
def test_promtool_has_nothing_to_say_of_any_metric() -> None:
    samples = {name: value for metric in CATALOG for name, value in _example(metric).items()}
    assert complaints(as_text(samples)) == []


@needs_promtool
def test_promtool_would_say_it() -> None:
    text = "# HELP bruno_steps x\n# TYPE bruno_steps counter\nbruno_steps 1\n"
    assert complaints(text) == ['bruno_steps counter metrics should have "_total" suffix']


def test_torchserve_is_told_of_each_series_with_its_labels() -> None:
    declared = yaml.safe_load(DECLARED.read_text())["model_metrics"]
    told = {
        entry["name"]: (kind, entry["dimensions"])
        for kind, entries in declared.items()
        for entry in entries
        if entry["name"].startswith("bruno_")
    }
    expected = {}
    for metric, about in CATALOG.items():
        if metric == "bruno_answers_total":  # TorchServe counts them itself: Requests2XX and so on
            continue
        for sample in _example(metric):
            name, _ = parts(sample)
            kind = "gauge" if about.kind == "histogram" else about.kind
            labels = ["le"] if name.endswith("_bucket") else list(about.labels)
            expected[name] = (kind, ["ModelName", *labels])
    assert told == expected


@pytest.mark.parametrize(("hundreds", "expected"), [({}, []), ({4: 2, 2: 1}, ["2xx", "4xx"])])
def test_answers_are_counted_by_class(hundreds: dict[int, int], expected: list[str]) -> None:
    assert [parts(name)[1][0] for name in answers(hundreds)] == expected
