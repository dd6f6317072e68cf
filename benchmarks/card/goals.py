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
    alone, replayed = (paintings.get(name) for name in ("alone", "alone, replayed"))
    if alone is None:
        return Goal(what, asked, _NOT_MEASURED)
    told = times(alone) + (f", replayed {times(replayed)}" if replayed else "")
    longest = max(alone["parts"], key=lambda name: float(alone["parts"][name]))
    short = f"{longest} take {alone['parts'][longest]:.2f} s"
    best = min(found["median"] for found in (alone, replayed) if found)
    return Goal(what, asked, told, "" if best <= ALONE_MOST else short)


def _http_alone(http: Results) -> Goal:
    what, asked = "The same through HTTP", f"at most {HTTP_MOST} s"
    found = [http[name] for name in ("alone", "alone, replayed") if name in http]
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    best = min(found, key=lambda each: float(each["http"]["median"]))
    told = ", replayed ".join(times(each["http"]) for each in found)
    short = f"the library takes {best['library']['median']:.2f} s of it"
    return Goal(what, asked, told, "" if best["http"]["median"] <= HTTP_MOST else short)


def _at_once(paintings: Results) -> Goal:
    what, asked = "Paintings at once", f"at least {RATE_LEAST:g} a second"
    at_once, replayed = (paintings.get(name) for name in ("at once", "at once, replayed"))
    if at_once is None:
        return Goal(what, asked, _NOT_MEASURED)
    told = f"{at_once['per second']:.2f} a second ({at_once['count']} in {times(at_once)})"
    if replayed:
        told += f", replayed {replayed['per second']:.2f}"
    rate = max(found["per second"] for found in (at_once, replayed) if found)
    return Goal(what, asked, told, "" if rate >= RATE_LEAST else "they take turns at the card")


def _http_at_once(http: Results) -> Goal:
    what, asked = "The same through HTTP", f"at most {HTTP_RATIO_MOST} times the library"
    found = [http[name] for name in ("at once", "at once, replayed") if name in http]
    if not found:
        return Goal(what, asked, _NOT_MEASURED)
    ratios = [each["http"] / each["library"] for each in found]
    told = ", replayed ".join(
        f"{ratio:.2f} times: {each['http']:.2f} s beside {each['library']:.2f} s"
        for ratio, each in zip(ratios, found, strict=True)
    )
    short = f"{found[-1]['http'] - found[-1]['library']:.1f} s go beside the paintings"
    return Goal(what, asked, told, "" if ratios[-1] <= HTTP_RATIO_MOST else short)


def _largest(paintings: Results) -> Goal:
    what, asked = "A painting of 4096 px", f"at most {LARGEST_MOST:g} s"
    largest = paintings.get("4096 px")
    if largest is None:
        return Goal(what, asked, _NOT_MEASURED)
    short = f"its steps take {largest['parts']['steps']:.1f} s"
    seconds = largest["seconds"]
    return Goal(what, asked, f"{seconds:.1f} s", "" if seconds <= LARGEST_MOST else short)


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
    reasons = []
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
