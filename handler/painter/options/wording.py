"""How errors tell a value that was received, and a name that may have been meant."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any


def short(value: Any) -> str:
    """A received value, cut to what a sentence can hold."""
    text = value if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that says which known name is near; empty where none is."""
    near = difflib.get_close_matches(short(name), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
