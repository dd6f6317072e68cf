"""Undoing and redoing the turns of dials."""

from __future__ import annotations

from typing import Any

from bruno.studio.dials import Dials


def dials(*turns: dict[str, Any], pace: float = 5.0) -> Dials:
    """Dials after these turns, so many seconds between them."""
    noted = Dials()
    for number, values in enumerate(turns):
        noted.show(values, number * pace)
    return noted


def test_a_turn_is_undone_and_redone() -> None:
    noted = dials({"alpha": 1, "beta": 20}, {"alpha": 2, "beta": 20}, {"alpha": 2, "beta": 50})
    assert noted.last == ("beta",)
    assert noted.undo() == {"alpha": 2, "beta": 20}
    assert noted.undo() == {"alpha": 1, "beta": 20}
    assert noted.last == ()
    assert noted.undo() is None
    assert noted.redo() == {"alpha": 2, "beta": 20}
    assert noted.redo() == {"alpha": 2, "beta": 50}
    assert noted.redo() is None


def test_the_first_values_are_no_turn() -> None:
    noted = dials({"alpha": 1, "scales": ""}, {"alpha": 1, "scales": None})
    assert not noted.can_undo
    assert not noted.can_redo


def test_a_new_turn_forgets_what_was_undone() -> None:
    noted = dials({"alpha": 1}, {"alpha": 2})
    noted.undo()
    noted.show({"alpha": 3}, 100)
    assert not noted.can_redo
    assert noted.undo() == {"alpha": 1}


def test_a_slider_that_is_drawn_is_one_turn() -> None:
    noted = dials({"alpha": 1}, {"alpha": 1.2}, {"alpha": 1.5}, {"alpha": 2}, pace=0.1)
    assert noted.undo() == {"alpha": 1}
    slowly = dials({"alpha": 1}, {"alpha": 1.2}, {"alpha": 1.5})
    assert slowly.undo() == {"alpha": 1.2}


def test_what_was_undone_and_comes_back_from_the_page_is_no_turn() -> None:
    noted = dials({"alpha": 1, "scales": ""}, {"alpha": 2, "scales": ""})
    noted.undo()
    noted.show({"alpha": 1, "scales": None}, 100)
    assert noted.can_redo


def test_turns_are_bounded() -> None:
    noted = dials(*({"alpha": number} for number in range(1, 300)))
    assert sum(noted.undo() is not None for _ in range(300)) == 100
