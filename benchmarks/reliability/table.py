"""A table that is printed row by row, as Markdown has it."""

from __future__ import annotations

from typing import Any


class Table:
    """Rows below their heads; each is printed when it is added."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        self._heads = heads
        self._rows: list[tuple[Any, ...]] = []
        self._print(heads)
        self._print(("---",) * len(heads))

    def add(self, *row: Any) -> None:
        """One more row."""
        self._rows.append(row)
        self._print(row)

    def column(self, head: str) -> list[Any]:
        """All that stands below a head."""
        return [row[self._heads.index(head)] for row in self._rows]

    @staticmethod
    def _print(row: tuple[Any, ...]) -> None:
        print(f"| {' | '.join(map(str, row))} |", flush=True)
