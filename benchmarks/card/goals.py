"""What is to be reached on a card, beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Results = Mapping[str, Any]

STEP_MOST: Final = 1.25
ALONE_MOST: Final = 0.25
HTTP_MOST: Final = 0.4
RATE_LEAST: Final = 10.0
HTTP_RATIO_MOST: Final = 1.1
LARGEST_MOST: Final = 15.0
PEERS_LEAST: Final = 50.0
_NOT_MEASURED: Final = "not measured"


@dataclass(frozen=True)
class Goal:
    """One line of the table; `short` says why it is not reached, and is None where nobody knows."""

    what: str
    asked: str
    measured: str
    short: str | None = None

    @property
    def verdict(self) -> str:
        """Reached, or short with the reason."""
        if self.short is None:
            return ""
        return f"short, because {self.short}" if self.short else "reached"

    def __str__(self) -> str:
        return f"| {self.what} | {self.asked} | {self.measured} | {self.verdict} |"


def goals(results: Results) -> list[Goal]:
    """All lines; without verdicts where the sizes are not those that the goals are for."""
    rows = [
        _step(found_in(results, "steps")),
        _alone(found_in(results, "paintings")),
        _http_alone(found_in(results, "http")),
        _at_once(found_in(results, "paintings")),
        _http_at_once(found_in(results, "http")),
        _largest(found_in(results, "paintings")),
        _correct(found_in(results, "correctness")),
        _peers(found_in(results, "peers")),
    ]
    if results["about"].get("card", "CPU") == "CPU" or results.get("smoke"):
        return [Goal(row.what, row.asked, row.measured) for row in rows]
    return rows


def found_in(results: Results, section: str) -> dict[str, Any]:
    """What a section found, nothing where it was not run."""
    found: dict[str, Any] = results["sections"].get(section, {}).get("found", {})
    return found


def _step(steps: Results) -> Goal:
    what = "A step (Gram, Adam, all views) beside its bare convolutions"
    asked = f"at most {STEP_MOST} times, both in graphs"
    bare = steps.get("bare, graph") or steps.get("bare, eager", {}).get("device")
    step, replayed = (steps.get(f"Gram, Adam, all views{how}") for how in ("", ", replayed"))
    graph = steps.get("Gram, Adam, graph of the evaluations")
    if bare is None or step is None:
        return Goal(what, asked, _NOT_MEASURED)
    wall, least = step["wall"]["median"], bare["median"]
    told = f"{wall / least:.2f} times as it is ({_ms(wall)} beside {_ms(least)})"
    if graph is not None:
        within = graph["median"]
        told += f", its evaluations in one graph {within / least:.2f} times ({_ms(within)})"
    if replayed is None:
        return Goal(what, asked, told, "its evaluations are not replayed")
    ratio = replayed["wall"]["median"] / least
    told += f", replayed {ratio:.2f} times"
    return Goal(what, asked, told, "" if ratio <= STEP_MOST else "of what the profile below tells")


def _alone(paintings: Results) -> Goal:
    what, asked = "A default painting alone", f"at most {ALONE_MOST} s on an H100 or H200"
    found = _both(paintings, "alone")
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    told = ", ".join(f"{how}{times(each)}" for how, each in found.items())
    best = min(found.values(), key=lambda each: float(each["median"]))
    longest = max(best["parts"], key=lambda name: float(best["parts"][name]))
    short = f"{longest} take {best['parts'][longest]:.2f} s"
    return Goal(what, asked, told, "" if best["median"] <= ALONE_MOST else short)


def _both(section: Results, name: str) -> dict[str, Any]:
    """What was found with graphs and without, by how it is told."""
    names = {"replayed ": f"{name}, replayed", "without graphs ": name}
    return {how: section[each] for how, each in names.items() if each in section}


def _http_alone(http: Results) -> Goal:
    what, asked = "The same through HTTP", f"at most {HTTP_MOST} s"
    found = _both(http, "alone")
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    told = ", ".join(f"{how}{times(each['http'])}" for how, each in found.items())
    best = min(found.values(), key=lambda each: float(each["http"]["median"]))
    short = f"the library takes {best['library']['median']:.2f} s of it"
    return Goal(what, asked, told, "" if best["http"]["median"] <= HTTP_MOST else short)


def _at_once(paintings: Results) -> Goal:
    what, asked = "Paintings at once", f"at least {RATE_LEAST:g} a second"
    found = _both(paintings, "at once")
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    told = ", ".join(
        f"{how}{each['per second']:.2f} a second ({each['count']} in {times(each)})"
        for how, each in found.items()
    )
    best = max(found.values(), key=lambda each: float(each["per second"]))
    short = f"their steps take {best['parts']['steps']:.2f} s one after the other"
    return Goal(what, asked, told, "" if best["per second"] >= RATE_LEAST else short)


def _http_at_once(http: Results) -> Goal:
    what, asked = "The same through HTTP", f"at most {HTTP_RATIO_MOST} times the library"
    found = _both(http, "at once")
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    told = ", ".join(
        f"{how}{each['http'] / each['library']:.2f} times: "
        f"{each['http']:.2f} s beside {each['library']:.2f} s"
        for how, each in found.items()
    )
    first = next(iter(found.values()))
    short = f"{first['http'] - first['library']:.1f} s go beside the paintings"
    return Goal(
        what, asked, told, "" if first["http"] / first["library"] <= HTTP_RATIO_MOST else short
    )


def _largest(paintings: Results) -> Goal:
    what, asked = "A painting of 4096 px", f"at most {LARGEST_MOST:g} s"
    found = _both(paintings, "4096 px")
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    told = ", ".join(f"{how}{each['seconds']:.1f} s" for how, each in found.items())
    best = min(found.values(), key=lambda each: float(each["seconds"]))
    short = f"its steps take {best['parts']['steps']:.1f} s"
    return Goal(what, asked, told, "" if best["seconds"] <= LARGEST_MOST else short)


def _correct(correctness: Results) -> Goal:
    what, asked = "Beside the CPU, itself and NaN in memory", "all within their bounds"
    bad = [name for name, found in correctness.items() if not found["good"]]
    if not correctness:
        return Goal(what, asked, _NOT_MEASURED)
    told = f"{len(correctness) - len(bad)} of {len(correctness)}"
    return Goal(what, asked, told, f"not {'; '.join(bad)}" if bad else "")


def _peers(peers: Results) -> Goal:
    what = "A default painting beside peers' on this card"
    asked = f"at least {PEERS_LEAST:g} times faster, at equal or better errors"
    if not peers:
        return Goal(what, asked, _NOT_MEASURED)
    ratios = {peer: found["seconds"] / found["own"]["seconds"] for peer, found in peers.items()}
    told = ", ".join(f"{ratio:.1f} times ({peer})" for peer, ratio in ratios.items())
    worse = sorted(
        {
            f"{name} beside {peer}"
            for peer, found in peers.items()
            for name, error in found["errors"].items()
            if found["own"]["errors"][name] > error
        }
    )
    reasons = [
        f"{peer} was judged after {found['judged after']} of its {found['steps']} steps"
        for peer, found in peers.items()
        if found["judged after"] < found["steps"]
    ]
    if min(ratios.values()) < PEERS_LEAST:
        reasons.append(f"a painting takes {next(iter(peers.values()))['own']['seconds']:.2f} s")
    if worse:
        reasons.append(f"the defaults are for the eye: {', '.join(worse)} has the larger error")
    return Goal(what, asked, told, "; ".join(reasons))


def times(found: Results) -> str:
    """Seconds: the median, and between what they lie."""
    spread = f"{found['least']:.3g} to {found['most']:.3g}, {found['rounds']} rounds"
    return f"{found['median']:.3g} s ({spread})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
