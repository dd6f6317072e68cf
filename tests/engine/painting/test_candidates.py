"""Which canvas may become the painting: decided by losses that may be no numbers."""

from __future__ import annotations

import math

import pytest
import torch

from painter.evaluation.passes import Evaluation
from painter.painting.candidates import Candidate


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        ((3.0, 2.0), 1),
        ((2.0, 3.0), 0),
        ((2.0, math.nan), 0),
        ((math.nan, 5.0), 1),
        ((math.inf, 5.0), 1),
        ((math.nan, math.nan), 1),
        ((math.inf, math.inf), 1),
    ],
)
def test_the_better_canvas_is_kept_and_any_is_better_than_one_without_a_loss(losses, kept):
    best = Candidate(torch.full((3, 2, 2), 9.0), 1)
    for number, loss in enumerate(losses):
        value = torch.tensor(loss, dtype=torch.float64)
        best.take_if_better(
            torch.full((3, 2, 2), float(number)), Evaluation(value[None], None, value)
        )
    assert best.canvas.unique().tolist() == [kept]
    torch.testing.assert_close(best.terms.tolist(), [losses[kept]], equal_nan=True)


def test_after_it_forgets_the_next_canvas_is_better():
    best, value = Candidate(torch.zeros(3, 2, 2), 1), torch.ones((), dtype=torch.float64)
    best.take_if_better(torch.full((3, 2, 2), 1.0), Evaluation(value[None], None, value))
    best.forget()
    best.take_if_better(torch.full((3, 2, 2), 2.0), Evaluation(value[None], None, value + 5))
    assert best.canvas.unique().tolist() == [2.0]
