"""Work in pieces, each about as long as an evaluation: other paintings have turns between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

# Does a piece of work; tells which ones come next, where that is not known before.
Piece = Callable[[], "Sequence[Piece] | None"]


class Work:
    """Pieces that are done one after the other."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._left = deque(pieces)

    @property
    def is_done(self) -> bool:
        """Whether no piece is left."""
        return not self._left

    def advance(self) -> None:
        """Does the next piece."""
        piece = self._left.popleft()
        self._left.extendleft(reversed(piece() or ()))
