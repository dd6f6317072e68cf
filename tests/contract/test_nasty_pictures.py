"""Files that would keep a decoder busy, or fill memory, are refused by name by either server."""

from __future__ import annotations

from typing import Any

import pytest

import bombs

COSTLY = {
    "scans": (bombs.many_scans(3500, 8000), "at most 100 scans, got 101"),
    "a tile": (bombs.large_tile(), "got 900000000"),
    "tags": (bombs.jpeg_with_tags(), "bytes of tags"),
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("kind", COSTLY)
def test_a_picture_that_would_cost_too_much_is_a_problem_that_says_so(
    kind: str, caller: Any, contract: Any, pictures: dict[str, bytes]
) -> None:
    data, why = COSTLY[kind]
    answer = caller.send(files={**pictures, "style": data})
    problem = answer.json()
    contract.check(problem, "Problem")
    assert (answer.status_code, problem["code"], problem["field"]) == (
        422,
        "image_too_costly",
        "style",
    )
    assert why in problem["detail"]


@pytest.mark.usefixtures("unharmed")
def test_what_inflates_while_it_is_decoded_is_a_problem_too(
    caller: Any, pictures: dict[str, bytes]
) -> None:
    answer = caller.send(files={**pictures, "content": bombs.inflating_strip()})
    assert answer.status_code in (415, 422)
    assert answer.json()["field"] == "content"
