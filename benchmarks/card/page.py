"""RESULTS-<card>.md: the newest run, and the one before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from card.goals import found_in, goals, times
from card.layers import DIRECTIONS, PLAIN
from card.settings import Settings
from pairs import ROOT

Found = Mapping[str, Any]

_NEWEST: Final = "## Newest run\n"
_BEFORE: Final = "## The run before\n"
_TITLES: Final = {"http": "HTTP"}
# Whose kernels are told one by one.
PROFILED: Final = ("Gram, Adam, all views, replayed", "Gram, Adam, all views")
# So many reasons of one kind are told one by one.
_TOLD_MOST: Final = 3


def write_pages(settings: Settings, results: Found) -> None:
    """Writes the page beside the results, and among the benchmarks where a card ran all of it.

    The run that the latter had before is kept, unless it is this one.
    """
    name = page_name(results["about"]["card"])
    results = {**results, "smoke": settings.smoke}
    kept = ROOT / "benchmarks" / name
    text = page(results, kept.read_text() if kept.is_file() else "")
    (Path(settings.out) / name).write_text(text)
    if settings.device == "cuda" and not settings.smoke:
        kept.write_text(text)


def page_name(card: str) -> str:
    """The page's file, by the card's name."""
    return f"RESULTS-{re.sub(r'[^A-Za-z0-9]+', '-', card).strip('-')}.md"


def page(results: Found, before: str = "") -> str:
    """The page of a run, with the newest one that the page `before` has of others."""
    newest, older = _runs_of(before)
    if newest.startswith(_mark(results)):
        newest = older
    parts = [
        f"# Results on {results['about']['card']}",
        "Written by benchmarks/gpu.py, and nothing here by hand; "
        "[README.md](README.md) tells what each section is.",
        f"{_NEWEST}\n{_run(results)}",
        f"{_BEFORE}\n{newest or 'There was none.'}",
    ]
    return "\n\n".join(parts) + "\n"


def _runs_of(text: str) -> tuple[str, str]:
    newest, _, older = text.partition(_NEWEST)[2].partition(_BEFORE)
    older = older.strip()
    return newest.strip(), "" if older.startswith("There was none") else older


def _mark(results: Found) -> str:
    return f"<!-- run {results['run']} -->"


def _run(results: Found) -> str:
    parts = [_mark(results), _about(results["about"]), _goals(results)]
    writers: dict[str, Callable[[Found], Iterable[str]]] = {
        "machine": _machine,
        "convolutions": _convolutions,
        "steps": partial(_steps, profiles=found_in(results, "kernels")),
        "correctness": _correctness,
        "paintings": _paintings,
        "peers": _peers,
        "kernels": _kernels,
        "http": _http,
    }
    for section, write in writers.items():
        found = found_in(results, section)
        if found:
            parts += [f"### {_TITLES.get(section, section.capitalize())}", *write(found)]
    parts += _not_measured(results["sections"])
    return "\n\n".join(parts)


def _about(about: Found) -> str:
    names = {"commit": "commit", "torch": "torch", "cudnn": "cuDNN", "driver": "driver"}
    told = [about["card"], about["date"]]
    told += [f"{said} {about[name]}" for name, said in names.items() if about.get(name)]
    told += [f"Python {about['python']}", f"{about['cores']} cores", f"weights: {about['weights']}"]
    return "; ".join(map(str, told)) + "."


def _goals(results: Found) -> str:
    return _table(["what", "asked", "measured", ""], [], [str(goal) for goal in goals(results)])


def _machine(found: Found) -> Iterable[str]:
    if "copy" in found:
        yield f"Copies: {found['copy']['bytes_per_second'] / 1e12:.2f} TB/s, read and written."
    if "product" in found:
        rate = found["product"]["flop_per_second"]
        yield f"A large product in bfloat16: {rate / 1e12:.0f} TFLOP/s."
    for direction in DIRECTIONS:
        yield f"Convolutions, {direction}: microseconds (TFLOP/s), in a graph where there is one."
        yield _layers(found, direction)


def _layers(found: Found, direction: str) -> str:
    """A row for each layer, a column for each variant that was measured."""
    by_layer: dict[str, dict[str, float]] = {}
    flop: dict[str, int] = {}
    for kind in ("eager", "graph", "searched"):
        for name, value in found.items():
            if name.startswith(f"{kind}, {direction}, "):
                _, _, layer, variant = name.split(", ", 3)
                column = "searched" if kind == "searched" else variant
                by_layer.setdefault(layer, {})[column] = value["median"]
                flop[layer] = value["flop"]
    columns = list(dict.fromkeys(name for row in by_layer.values() for name in row))
    rows = [
        [layer, *(_rate(row.get(column), flop[layer]) for column in columns)]
        for layer, row in by_layer.items()
    ]
    plain = {layer: row[PLAIN] for layer, row in by_layer.items() if PLAIN in row}
    whole = sum(flop[layer] for layer in plain)
    rows.append([f"all, {PLAIN}", _rate(sum(plain.values()), whole), *[""] * (len(columns) - 1)])
    return _table(["layer", *columns], rows)


def _rate(seconds: float | None, flop: int) -> str:
    if not seconds:
        return ""
    return f"{seconds * 1e6:.1f} ({flop / seconds / 1e12:.0f})"


def _convolutions(found: Found) -> Iterable[str]:
    yield "There and back, milliseconds."
    names = list(dict.fromkeys(name.partition(", ")[2] for name in found))
    rows = [
        [name, *(_ms(found.get(f"{kind}, {name}")) for kind in ("eager", "graph"))]
        for name in names
    ]
    yield _table(["views", "eager", "in a graph"], rows)


def _steps(found: Found, profiles: Found) -> Iterable[str]:
    columns = ["step", "wall ms", "operations", "host reads", "copies", "kernels"]
    columns += ["waits seen", "moves seen", "busy ms", "idle"]
    rows = [
        [name, *_step(value, profiles.get(name, {}).get("summary", {}))]
        for name, value in found.items()
        if "asked" in value
    ]
    yield (
        "Operations, host reads and copies between devices as PyTorch dispatches them; the rest as "
        "its profiler sees them, afterwards. `idle` is the share of the wall time in which the "
        "card is not busy."
    )
    yield _table(columns, rows)
    rows = []
    for name, value in found.items():
        if "device" in value:
            rows.append([name, _ms(value["device"]), _ms(value["wall"])])
        elif "median" in value:
            rows.append([name, _ms(value), ""])
    yield "Evaluations by themselves, milliseconds."
    yield _table(["what", "card", "wall"], rows)


def _step(value: Found, seen: Found) -> list[str]:
    asked = value["asked"]
    told = [_ms(value["wall"])]
    told += [str(asked[name]) for name in ("operations", "host reads", "copies between devices")]
    if not seen:
        return [*told, *[""] * 5]
    waits, moves = (
        ", ".join(f"{name} {count:g}" for name, count in seen[kind].items())
        for kind in ("waits", "moves")
    )
    told += [f"{seen['kernels']:g}", waits, moves]
    if "busy" not in seen:
        return [*told, "", ""]
    idle = max(0.0, 1 - seen["busy"] / 1e6 / value["wall"]["median"])
    return [*told, f"{seen['busy'] / 1e3:.3g}", f"{idle:.0%}"]


def _correctness(found: Found) -> Iterable[str]:
    columns = ["beside", "loss", "gradient", "within bounds"]
    rows = [
        [name, f"{value['loss']:.1e}", f"{value['gradient']:.1e}", _yes(value["good"])]
        for name, value in found.items()
        if "gradient" in value
    ]
    yield _table(columns, rows)
    yield "\n".join(
        f"- {name}: " + ", ".join(f"{key} {_value(one)}" for key, one in value.items())
        for name, value in found.items()
        if "gradient" not in value
    )


def _paintings(found: Found) -> Iterable[str]:
    rows = []
    for name, value in found.items():
        parts = ", ".join(f"{part} {seconds:.3g}" for part, seconds in value["parts"].items())
        told = times(value) if "median" in value else f"{value['seconds']:.3g} s"
        first = f"{value['first']:.3g}" if "first" in value else ""
        rows.append([name, told, first, parts])
    yield _table(["what", "warm", "the first", "seconds for"], rows)


def _peers(found: Found) -> Iterable[str]:
    yield (
        "Seconds of a painting, the peers' by the pace between their own snapshots; the judge's "
        "errors content / Gram / Wasserstein-2 of both."
    )
    rows = [
        [
            f"{peer}, {value['steps']} steps",
            f"{value['seconds']:.3g} s",
            f"{_errors(value['errors'])} after {value['judged after']}",
            f"{value['own']['seconds']:.3g} s",
            _errors(value["own"]["errors"]),
            f"{value['seconds'] / value['own']['seconds']:.3g}",
        ]
        for peer, value in found.items()
    ]
    yield _table(["peer", "its time", "its errors", "defaults here", "errors", "faster"], rows)


def _errors(errors: Found) -> str:
    return f"{errors['content']:.3f} / {errors['gram']:.4f} / {errors['wasserstein']:.4f}"


def _kernels(found: Found) -> Iterable[str]:
    for name in PROFILED:
        profile = found.get(name)
        if profile is None:
            continue
        whole = sum(profile["kinds"].values()) or 1.0
        steps = profile["steps"]
        yield f"{name}: a step, over {steps}, in microseconds."
        # Operations that were recorded do not run when they are replayed: their kernels have none.
        if not name.endswith("replayed"):
            rows = [
                [kind, f"{time:.0f}", f"{time / whole:.1%}"]
                for kind, time in profile["kinds"].items()
            ]
            yield _table(["operations", "time", "share"], rows)
        yield _table(
            ["kernel", "times", "microseconds together"],
            [
                [
                    f"`{kernel['name'][:90]}`",
                    f"{kernel['count'] / steps:g}",
                    f"{kernel['microseconds'] / steps:.1f}",
                ]
                for kernel in profile["kernels"]
            ],
        )


def _http(found: Found) -> Iterable[str]:
    rows = []
    for name, value in found.items():
        if name.startswith("alone"):
            rows.append([name, times(value["http"]), times(value["library"])])
        elif name.startswith("at once"):
            both = (f"{value[side]:.3g} s" for side in ("http", "library"))
            rows.append([f"{value['count']} {name}", *both])
        else:
            rows.append([f"{name}, its start", f"{value:.3g} s", ""])
    yield _table(["what", "HTTP", "library"], rows)


def _not_measured(sections: Found) -> list[str]:
    lines = []
    for section, entry in sections.items():
        lines += [f"- {section}: {what} failed, {why}" for what, why in entry["failures"].items()]
        by_reason: dict[str, list[str]] = {}
        for what, why in entry["left_out"].items():
            by_reason.setdefault(why, []).append(what)
        for why, names in by_reason.items():
            more = len(names) - _TOLD_MOST
            told = "; ".join(names[:_TOLD_MOST]) + (f"; and {more} more" if more > 0 else "")
            lines.append(f"- {section}: {told}: {why}")
    return ["### Not measured", "\n".join(lines)] if lines else []


def _ms(found: Any) -> str:
    return f"{found['median'] * 1000:.4g}" if found else ""


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _yes(value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], more: Iterable[str] = ()) -> str:
    lines = [_line(columns), "|" + "---|" * len(columns), *map(_line, rows), *more]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
