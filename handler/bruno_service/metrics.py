"""What is measured of a service, and its text as Prometheus reads it.

A series is written as Prometheus writes it: a metric's name, and its labels in braces.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SHORT: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
LONG: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1800.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """What one metric counts (a counter only grows), and the labels that its series have."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


CATALOG: Final[Mapping[str, Metric]] = {
    "bruno_start_time_seconds": Metric("gauge", "When the painter was made, since 1970."),
    "bruno_paintings_running": Metric("gauge", "Paintings being made."),
    "bruno_paintings_waiting": Metric("gauge", "Paintings in the queue."),
    "bruno_running_limit": Metric("gauge", "Places for paintings being made."),
    "bruno_waiting_limit": Metric("gauge", "Places in the queue."),
    "bruno_paintings_finished_total": Metric("counter", "Paintings that were handed out."),
    "bruno_paintings_cancelled_total": Metric("counter", "Paintings whose client went away."),
    "bruno_paintings_failed_total": Metric("counter", "Paintings that broke.", ("code",)),
    "bruno_paintings_refused_total": Metric("counter", "Requests not taken in.", ("code",)),
    "bruno_first_preview_seconds": Metric(
        "histogram", "From a request to its first preview.", buckets=SHORT
    ),
    "bruno_painting_seconds": Metric(
        "histogram", "From a request to its painting, handed out.", buckets=LONG
    ),
    "bruno_wait_seconds": Metric(
        "histogram", "From a request until it is painted on.", buckets=SHORT
    ),
    "bruno_evaluations_total": Metric("counter", "Steps of all paintings."),
    "bruno_steps_total": Metric("counter", "Steps, by the longest side rounded up.", ("size",)),
    "bruno_paint_seconds_total": Metric(
        "counter", "Seconds that paintings of a size were being made.", ("size",)
    ),
    "bruno_turns_total": Metric("counter", "Slices that the engine painted without a pause."),
    "bruno_turn_seconds_total": Metric("counter", "Seconds that those slices took."),
    "bruno_style_cache_hits_total": Metric("counter", "Styles whose statistics were known."),
    "bruno_style_cache_misses_total": Metric("counter", "Styles whose statistics were gathered."),
    "bruno_memory_bytes": Metric("gauge", "Memory that the process has.", ("where",)),
    "bruno_memory_held_bytes": Metric("gauge", "Memory promised to paintings.", ("where",)),
    "bruno_memory_budget_bytes": Metric("gauge", "Memory that may be promised.", ("where",)),
    "bruno_answers_total": Metric("counter", "Answers, by the class of their status.", ("class",)),
}
_LABEL: Final = re.compile(r'\w+="([^"]*)"')
_OF_HISTOGRAM: Final = re.compile(r"(.+)_(?:bucket|sum|count)")


def series(name: str, **labels: str) -> str:
    """One series of a metric."""
    pairs = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


def parts(series: str) -> tuple[str, list[str]]:
    """The name of a series, and the values of its labels."""
    name, _, labels = series.partition("{")
    return name, _LABEL.findall(labels)


def metric_of(name: str) -> str:
    """The metric whose series have this name: those of a histogram have three."""
    match = _OF_HISTOGRAM.fullmatch(name)
    return match[1] if match and match[1] in CATALOG else name


def answers(hundreds: Mapping[int, int]) -> dict[str, float]:
    """How many answers had a status of so many hundreds, as series."""
    classes = {f"{digit}xx": count for digit, count in sorted(hundreds.items())}
    return {series("bruno_answers_total", **{"class": name}): n for name, n in classes.items()}


class Histogram:
    """How many observations there were up to each bound."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bounds = CATALOG[name].buckets
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self) -> dict[str, float]:
        """Its series: each bucket counts those below it, too."""
        bounds: Sequence[str] = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        samples: dict[str, float] = {}
        below = 0
        for bound, count in zip(bounds, self._counts, strict=True):
            below += count
            samples[series(f"{self._name}_bucket", le=bound)] = below
        return samples | {f"{self._name}_sum": round(self._sum, 3), f"{self._name}_count": below}


def as_text(samples: Mapping[str, float]) -> str:
    """The text format, with each metric's help and kind before its series."""
    lines, last = [], ""
    for name, value in samples.items():
        metric = metric_of(parts(name)[0])
        if metric != last:
            known, last = CATALOG[metric], metric
            lines += [f"# HELP {metric} {known.help}", f"# TYPE {metric} {known.kind}"]
        lines.append(f"{name} {value:.17g}")
    return "".join(f"{line}\n" for line in lines)
