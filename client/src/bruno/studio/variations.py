"""Several paintings that differ in one dial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from bruno.studio.controls import CONTROLS
from bruno.studio.order import Order
from bruno.studio.words import PAINTERS

KINDS: Final[Mapping[str, str]] = {
    PAINTERS["beta"].label: "beta",
    PAINTERS["alpha"].label: "alpha",
    PAINTERS["style_scale"].label: "style_scale",
    "Chance (the seed)": "seed",
}
"""What may vary: the words for it, and the option."""

MOST: Final = 6
_SPAN: Final = 4.0
"""The largest value of a dial over the smallest."""


def vary(order: Order, option: str, count: int) -> list[Order]:
    """So many orders around this one: seeds that follow, or a dial from half to twice its value.

    Values that the dial may not have are left out.
    """
    low, high = CONTROLS[option].low, CONTROLS[option].high
    words = PAINTERS[option].label.lower() if option in PAINTERS else option
    values = [value for value in _values(order, option, count) if low <= value <= high]
    return [
        replace(
            order,
            request={**order.request, option: value},
            note=f"{words} {value:g}",
        )
        for value in dict.fromkeys(values)
    ]


def _values(order: Order, option: str, count: int) -> Iterator[float]:
    here = order.request.get(option) or 0
    if option == "seed":
        yield from (int(here) + number for number in range(count))
        return
    middle = here[0] if isinstance(here, list) else float(here or 1)
    for number in range(count):
        power = number / (count - 1) - 0.5
        yield float(f"{middle * _SPAN**power:.2g}")
