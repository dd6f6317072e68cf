"""What the model answers, as the tables and plots of docs/scaling.md (`make scaling`).

Seconds of a painting alone are the one thing that differs from machine to machine; all else is as
the manifests and the gateway have it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from scaling.arrivals import Arrivals
from scaling.autoscaler import Autoscaler, Scaling
from scaling.model import Fleet, percentile
from scaling.plots import write_curves
from scaling.server import Places

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "scaling.md"
PICTURES = DOCS / "pictures"
MARKS = ("<!-- made by benchmarks/scaling/study.py -->", "<!-- until here -->")
# Half of all paintings take as long as one at 512 px, others half or twice as long.
MIX = ((0.3, 0.5), (0.5, 1.0), (0.2, 2.0))
MEAN = sum(share * work for share, work in MIX)
PAINTINGS = 3000
DAY = 86400.0


def simulate(servers: int, a_minute: float, alone: float, places: Places, seed: int = 0) -> Fleet:
    """A fixed fleet under a steady demand; `alone` is the seconds of a painting at 512 px."""
    rate = a_minute / 60
    mix = [(share, work * alone) for share, work in MIX]
    fleet = Fleet(servers, places, seed)
    fleet.run(Arrivals([(0.0, rate)], mix, seed).until(PAINTINGS / rate))
    return fleet


def p95(fleet: Fleet) -> float:
    """Seconds that one painting in twenty exceeds; without end where clients gave up."""
    if len(fleet.given_up) > 0.001 * PAINTINGS:
        return math.inf
    return percentile((job.seconds for job in fleet.done), 0.95)


def servers_for(a_minute: float, seconds: float, alone: float, places: Places) -> int | None:
    """The fewest servers with a p95 of so many seconds; None where no number has it."""
    if alone * max(work for _, work in MIX) > seconds:
        return None
    low = max(1, math.ceil(a_minute / 60 * alone * MEAN))
    for servers in _upward(low):
        if p95(simulate(servers, a_minute, alone, places)) <= seconds:
            return servers
        if servers > 4 * low + 8:
            return None
    return None


def _upward(low: int) -> Iterator[int]:
    """Every number up to twenty, then in steps of a twentieth."""
    servers = low
    while True:
        yield servers
        servers += max(1, servers // 20)


def sizing() -> str:
    """How many servers for so many paintings a minute."""
    lines = [
        "| paintings a minute | p95 under | 1 s alone | 3 s alone | 10 s alone | 30 s alone |",
        "|---|---|---|---|---|---|",
    ]
    for a_minute in (1, 10, 60, 300, 694):
        for seconds in (10, 30, 120):
            found = [servers_for(a_minute, seconds, alone, Places()) for alone in (1, 3, 10, 30)]
            cells = " | ".join("–" if number is None else str(number) for number in found)
            lines.append(f"| {a_minute} | {seconds} s | {cells} |")
    return "\n".join(lines)


def burst(lag: float | None, least: int, alone: float = 10.0) -> tuple[Fleet, float, int]:
    """Demand that triples for an hour: the fleet, the servers paid for on average, and at most.

    Without a lag the fleet is fixed.
    """
    rates = [(0.0, 0.1), (3600.0, 0.3), (7200.0, 0.1)]
    mix = [(share, work * alone) for share, work in MIX]
    fleet = Fleet(least, Places())
    end = 3 * 3600.0
    scaling = Scaling(least=least, most=16, lag=lag or 0.0)
    autoscaler = Autoscaler(fleet, scaling) if lag is not None else None
    fleet.run(Arrivals(rates, mix, seed=5).until(end))
    if autoscaler is None:
        return fleet, float(least), least
    return fleet, autoscaler.server_seconds / fleet.env.now, autoscaler.most_seen


def lags() -> str:
    """What the autoscaler's lag costs."""
    lines = [
        "| fleet | lag | p95 | refusals | gave up | servers on average | at most |",
        "|---|---|---|---|---|---|---|",
    ]
    cases: list[tuple[str, float | None, int]] = [
        ("as many as the peak wants, fixed", None, 5),
        *(
            (f"from {least} server{'s' if least > 1 else ''}", lag, least)
            for least in (1, 2)
            for lag in (30.0, 120.0, 300.0, 600.0)
        ),
    ]
    for name, lag, least in cases:
        fleet, paid, most = burst(lag, least)
        seconds = percentile((job.seconds for job in fleet.done), 0.95)
        told = "–" if lag is None else f"{lag:g} s"
        lines.append(
            f"| {name} | {told} | {seconds:.0f} s | {fleet.refusals} | {len(fleet.given_up)} "
            f"| {paid:.1f} | {most} |"
        )
    return "\n".join(lines)


def costs() -> str:
    """What a painting costs where a server costs 1 an hour."""
    lines = [
        "| a painting alone | at 60 a minute, p95 under 4 times that "
        "| server's time | of 1 an hour |",
        "|---|---|---|---|",
    ]
    for alone in (1.0, 3.0, 10.0, 30.0):
        servers = servers_for(60, 4 * alone, alone, Places())
        if servers is not None:
            seconds = servers * 60 / 60
            lines.append(
                f"| {alone:g} s | {servers} servers | {seconds:.1f} s | {seconds / 3600:.5f} |"
            )
    return "\n".join(lines)


def million() -> str:
    """A million paintings a day, whose busiest hour has twice the average."""
    average = 1e6 / DAY
    lines = [
        "| a painting alone | servers at the peak | streams at once "
        "| beyond 64 servers a gateway |",
        "|---|---|---|---|",
    ]
    for alone in (1.0, 3.0, 10.0):
        servers = servers_for(120 * average, 60, alone, Places())
        if servers is None:
            continue
        fleet = simulate(servers, 120 * average, alone, Places())
        mean = sum(job.seconds for job in fleet.done) / len(fleet.done)
        gateways = math.ceil(servers / 64)
        lines.append(
            f"| {alone:g} s | {servers} | {2 * average * mean:.0f} | "
            f"{'no' if gateways == 1 else f'{gateways} fleets'} |"
        )
    return "\n".join(lines)


def plots() -> None:
    """p95 over load, and over the burst."""
    curves = {}
    for servers in (1, 3, 10):
        found = []
        for percent in range(10, 100, 10):
            a_minute = percent / 100 * servers * 60 / (10 * MEAN)
            found.append((float(percent), p95(simulate(servers, a_minute, 10.0, Places()))))
        curves[f"{servers} server{'s' if servers > 1 else ''}"] = found
    titles = ("One painting in twenty takes longer (10 s alone)", "load in percent", "seconds")
    write_curves(curves, titles, PICTURES / "scaling-load.svg", top=200)
    over = {}
    for lag in (30.0, 300.0):
        fleet, _, _ = burst(lag, 1)
        bins: dict[int, list[float]] = {}
        for job in fleet.done:
            bins.setdefault(int(job.asked // 600), []).append(job.seconds)
        over[f"lag {lag:g} s"] = [
            (minute * 10.0, percentile(taken, 0.95)) for minute, taken in sorted(bins.items())
        ]
    titles = ("Demand triples after an hour, for an hour", "minutes", "p95 in seconds")
    write_curves(over, titles, PICTURES / "scaling-burst.svg", top=240)


def made() -> str:
    """All tables, under their headings."""
    parts = {
        "How many servers": sizing(),
        "What the autoscaler's lag costs": lags(),
        "A million paintings a day": million(),
        "What a painting costs": costs(),
    }
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in parts.items())


def main() -> int:
    """Writes the tables into the page, between its marks, and the plots beside it."""
    before, _, rest = PAGE.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    PAGE.write_text(f"{before}{MARKS[0]}\n\n{made()}\n\n{MARKS[1]}{after}")
    plots()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
