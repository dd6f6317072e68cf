"""The judges' numbers as a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Final

from judges.panel import CONTENT, STYLE
from judges.standard import Judged

# A tie is no win: of a hundredth.
_TIE: Final = 0.01
_BASELINE: Final = "bruno"


def table(judged: Sequence[Judged], methods: Sequence[str]) -> str:
    """One row for each judge, one column for each method, of the pairs that all of them painted.

    A cell has the median over pairs, the middle half of them, and for what is not the baseline on
    how many pairs it is nearer, and on how many farther than that, by over a hundredth.
    """
    by_method = {
        name: {one.pair: one.scores for one in judged if one.method == name} for name in methods
    }
    columns = {name: scores for name, scores in by_method.items() if scores}
    if not columns:
        return "Nothing was judged.\n"
    pairs = sorted(set.intersection(*(set(scores) for scores in columns.values())))
    lines = [
        f"{len(pairs)} pairs. Less is nearer: median (middle half), and on how many pairs it is "
        f"nearer : farther than `{_BASELINE}` by over {_TIE:.0%}.",
        "",
        "| judge | " + " | ".join(f"`{name}`" for name in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for title, judges in (("to the photo", CONTENT), ("to the style", STYLE)):
        lines.append(f"| **{title}** |" + " |" * len(columns))
        lines += [_row(what, judge, columns, pairs) for judge, what in judges.items()]
    lines.append(_times(judged, list(columns), pairs))
    return "\n".join(lines) + "\n"


def _row(
    what: str,
    judge: str,
    columns: Mapping[str, Mapping[str, Mapping[str, float]]],
    pairs: Sequence[str],
) -> str:
    baseline = columns.get(_BASELINE)
    cells = []
    for name, scores in columns.items():
        values = [scores[pair][judge] for pair in pairs]
        cell = f"{_plain(median(values))} ({_spread(values)})"
        if baseline is not None and name != _BASELINE:
            both = [(scores[pair][judge], baseline[pair][judge]) for pair in pairs]
            nearer = sum(value < (1 - _TIE) * usual for value, usual in both)
            farther = sum(value > (1 + _TIE) * usual for value, usual in both)
            cell += f", {nearer} : {farther}"
        cells.append(cell)
    return f"| {what} | " + " | ".join(cells) + " |"


def _times(judged: Sequence[Judged], methods: Sequence[str], pairs: Sequence[str]) -> str:
    cells = []
    for name in methods:
        seconds = [
            one.seconds
            for one in judged
            if one.method == name and one.pair in pairs and one.seconds is not None
        ]
        cells.append(f"{median(seconds):.0f} s" if seconds else "")
    return "| median of processor time | " + " | ".join(cells) + " |"


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return _plain(values[0])
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{_plain(low)} to {_plain(high)}"


def _plain(value: float) -> str:
    """Three digits that count."""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
