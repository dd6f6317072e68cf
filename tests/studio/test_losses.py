"""The losses as curves."""

from __future__ import annotations

from dataclasses import replace

from bruno import Progress
from bruno.studio.losses import Losses


def progress(step: int, total: float, level: int = 1, steps: int = 100) -> Progress:
    losses = (total / 2, total / 10, 0.0, total)
    return Progress(step, steps, level, 2, 64, 48, *losses, layers={}, seconds=1.0, eta=None)


def after(*events: Progress) -> Losses:
    losses = Losses()
    for event in events:
        losses = losses.after(event)
    return losses


def test_the_scale_is_logarithmic() -> None:
    losses = after(progress(0, 10.0), progress(50, 1.0), progress(100, 0.1))
    assert (losses.scale.low, losses.scale.high) == (-2, 1)
    assert losses.curve("total") == [(0, 0), (50, 33.33), (100, 66.67)]
    assert [label for label, _ in losses.scale.decades()] == ["10", "1", "0.1", "0.01"]


def test_zero_has_a_place_too() -> None:
    losses = after(progress(1, 0.0), progress(2, 1.0))
    assert all(0 <= down <= 100 for _, down in losses.curve("total"))


def test_a_start_without_content_loss_does_not_flatten_the_rest() -> None:
    start = replace(progress(0, 50.0), content_loss=1e-9)
    losses = after(start, progress(50, 5.0))
    assert (losses.scale.low, losses.scale.high) == (-2, 2)
    assert losses.curve("content")[0] == (0, 100)


def test_where_a_level_begins() -> None:
    losses = after(progress(10, 1.0), progress(20, 0.9), progress(30, 2.0, level=2))
    assert losses.levels_begin == (20,)


def test_a_resumed_painting_takes_its_later_points_back() -> None:
    losses = after(progress(10, 1.0), progress(20, 0.9), progress(15, 0.95))
    assert [point.step for point in losses.points] == [10, 15]


def test_very_many_steps_stay_few_points_with_first_and_last() -> None:
    losses = after(*(progress(step, 1000 / (step + 1), steps=0) for step in range(2000)))
    assert len(losses.points) <= 242
    assert (losses.points[0].step, losses.points[-1].step) == (0, 1999)
    assert losses.scale.steps == 1999


def test_told_in_a_sentence() -> None:
    assert after(progress(5, 2.0), progress(9, 1.0)).told() == (
        "Steps 5 to 9, logarithmic scale: total loss from 2 to 1, "
        "style loss from 0.2 to 0.1, content loss from 1 to 0.5."
    )
    assert Losses().told() == "No losses yet."
