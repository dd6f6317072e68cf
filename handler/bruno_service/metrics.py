"""The metrics of a service as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def as_text(tally: Mapping[str, int]) -> str:
    """The text format; what ends in `_running` or `_waiting` goes down as well as up."""
    lines = []
    for name, value in tally.items():
        kind = "gauge" if name.endswith(("_running", "_waiting")) else "counter"
        lines.append(f"# TYPE {name} {kind}\n{name} {value}\n")
    return "".join(lines)
