"""The model of a fleet: against closed forms, and by what it does at its edges."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from statistics import fmean

import pytest

from scaling import study
from scaling.arrivals import Arrivals
from scaling.autoscaler import Autoscaler, Scaling
from scaling.model import Fleet, percentile
from scaling.plots import write_curves
from scaling.server import Places

ENDLESS = Places(running=10**6, waiting=0)
ONE = Places(running=1, waiting=1, line=1, line_seconds=10.0)


def run(servers: int, places: Places, arrivals: list[tuple[float, float]], **more: float) -> Fleet:
    fleet = Fleet(servers, places, **more)  # type: ignore[arg-type]
    fleet.run(arrivals)
    return fleet


def test_jobs_that_share_a_server_end_when_arithmetic_says() -> None:
    # Alone from 0 to 1, two from 1 on, each at half the pace: 2 of the first are left.
    fleet = run(1, ENDLESS, [(0, 3), (1, 1)])
    assert {job.asked: job.ended for job in fleet.done} == pytest.approx({0: 4, 1: 3})


def test_servers_that_go_slower_end_later() -> None:
    fleet = Fleet(2, ENDLESS)
    fleet.vary([(1, 0.5), (3, 1)])
    fleet.run([(0, 3), (0, 1)])
    assert {job.work: job.ended for job in fleet.done} == pytest.approx({1: 1, 3: 4})


def test_paintings_that_share_passes_cost_less() -> None:
    places = Places(running=4, share=0.5)
    fleet = run(1, places, [(0, 1)] * 4)
    assert [job.ended for job in fleet.done] == pytest.approx([4**0.5] * 4)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_one_server_that_shares_is_the_queue_of_the_books(load: float) -> None:
    """M/G/1 with processor sharing: the mean is work / (1 - load), whatever the works are."""
    mix = [(0.5, 0.5), (0.5, 1.5)]
    arrivals = list(Arrivals([(0, load)], mix, seed=1).until(20_000))
    fleet = run(1, ENDLESS, arrivals)
    assert fmean(job.seconds for job in fleet.done) == pytest.approx(1 / (1 - load), rel=0.06)


def test_arrivals_come_as_often_as_they_are_told_to() -> None:
    arrivals = list(Arrivals([(0, 1), (5_000, 3)], [(0.25, 1), (0.75, 2)], seed=2).until(10_000))
    before = [work for asked, work in arrivals if asked < 5_000]
    assert len(before) / 5_000 == pytest.approx(1, rel=0.05)
    assert (len(arrivals) - len(before)) / 5_000 == pytest.approx(3, rel=0.05)
    assert before.count(1) / len(before) == pytest.approx(0.25, rel=0.1)


def test_the_least_busy_server_is_asked() -> None:
    fleet = run(3, Places(), [(i * 0.001, 1) for i in range(12)])
    assert [job.ended for job in fleet.done] == pytest.approx([4] * 12, abs=0.02)


def test_who_finds_no_place_waits_at_the_gateway_and_then_comes_again() -> None:
    fleet = run(1, ONE, [(0, 12), (1, 1), (2, 1), (3, 1)])
    first, second, third, fourth = sorted(fleet.done, key=lambda job: job.asked)
    assert (first.tries, second.tries) == (0, 0)
    # The third waits 10 s in the queue, of one; the fourth finds it full.
    assert third.tries + fourth.tries == fleet.refusals
    assert fourth.tries >= 1
    assert second.begun == 12


def test_patience_ends() -> None:
    fleet = run(1, ONE, [(0, 1000), (1, 1), (2, 1), (3, 1)], patience=30)
    assert len(fleet.given_up) == 2
    assert all(job.tries >= 3 for job in fleet.given_up)


def test_the_overhead_counts_for_each() -> None:
    fleet = run(1, ENDLESS, [(0, 1), (10, 1)], overhead=0.5)
    assert [job.seconds for job in fleet.done] == pytest.approx([1.5, 1.5])


def scaled(lag: float, end: float, scaling: Scaling) -> tuple[Fleet, Autoscaler]:
    fleet = Fleet(1, Places())
    autoscaler = Autoscaler(fleet, scaling)
    rates = [(0, 0.05), (1_000, 0.6), (4_000, 0.05)]
    fleet.run(Arrivals(rates, [(1, 5)], seed=3).until(end))
    return fleet, autoscaler


def test_servers_come_with_demand_and_go_slowly() -> None:
    fleet, autoscaler = scaled(60, 12_000, Scaling(lag=60))
    assert 3 <= autoscaler.most_seen <= 8
    assert len([server for server in fleet.servers if not server.is_leaving]) < 3
    assert not fleet.given_up
    # Paid for: one server all the time, and more while there is demand, but never all eight.
    assert 12_000 < autoscaler.server_seconds < 6 * 12_000


def test_the_lag_is_paid_for_in_time() -> None:
    waits = []
    for lag in (30, 600):
        fleet, _ = scaled(lag, 6_000, Scaling(lag=lag))
        waits.append(percentile((job.seconds for job in fleet.done), 0.95))
    assert waits[1] > 1.5 * waits[0]


def test_no_more_servers_than_the_most_and_twice_as_many_in_a_minute() -> None:
    fleet = Fleet(1, Places(line=1000, line_seconds=1000))
    autoscaler = Autoscaler(fleet, Scaling(most=8, lag=1))
    seen = []

    def look() -> object:
        while True:
            yield fleet.env.timeout(1)
            seen.append(len(fleet.servers))

    fleet.env.process(look())  # type: ignore[arg-type]
    fleet.run([(0.0, 60.0)] * 100)
    assert max(seen) == 8
    for before, after in itertools.pairwise(seen[::60]):
        assert after <= max(2 * before, before + 2)
    assert autoscaler.most_seen == 8


def test_percentiles() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile(range(1, 101), 0.95) == 95


def test_the_page_has_what_the_model_says() -> None:
    page = study.PAGE.read_text()
    row = next(line for line in page.splitlines() if line.startswith("| 10 | 30 s |"))
    found = study.servers_for(10, 30, 10, Places())
    assert row.split(" | ")[4] == str(found)
    assert study.servers_for(10, 10, 10, Places()) is None
    assert all(mark in page for mark in study.MARKS)


def test_the_page_has_the_words_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings, and what each row is of; its numbers take minutes to find."""
    fleet = run(1, ENDLESS, [(0, 1)])
    monkeypatch.setattr(study, "servers_for", lambda *_: 1)
    monkeypatch.setattr(study, "simulate", lambda *_: fleet)
    monkeypatch.setattr(study, "burst", lambda *_: (fleet, 1.0, 1))
    told = study.PAGE.read_text().split(study.MARKS[0])[1].split(study.MARKS[1])[0]

    def words(text: str) -> list[str]:
        lines = text.strip().splitlines()
        heads = [line for line, below in zip(lines, lines[1:], strict=False) if "---" in below]
        firsts = [line.split(" | ")[0] for line in lines if line.startswith("|")]
        return heads + firsts + [line for line in lines if line.startswith("#")]

    assert words(told) == words(study.made())


def test_a_curve_is_drawn_within_its_panel(tmp_path: Path) -> None:
    path = tmp_path / "curve.svg"
    write_curves({"a": [(0, 1), (10, 500), (20, math.nan)]}, ("t", "x", "y"), path, top=100)
    (points,) = re.findall(r'points="([^"]+)"', path.read_text())
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) == 2
    assert heights[1] == 44.0 < heights[0] <= 304.0
