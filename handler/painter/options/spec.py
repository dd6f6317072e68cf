"""What one option may be, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from painter.network.layers import LAYER_NAMES


@dataclass(frozen=True, slots=True)
class Spec:
    """What a value of one option may be; `kind` decides how it is read."""

    kind: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    zero: str = ""

    def allowed(self) -> str:
        """The bound in words, as errors and the documentation tell it."""
        if self.kind == "losses":
            return "names of " + ", ".join(self.choices) + ", or several with weights"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == "layers":
            return f"names of {LAYER_NAMES[0]} … {LAYER_NAMES[-1]} with weights, or all"
        if self.kind == "flag":
            return "true or false"
        many = ", one number or one for each style" if self.kind == "scales" else ""
        zero = f"0 ({self.zero}) or " if self.zero and self.low else ""
        whole = "a whole number " if self.kind == "integer" else ""
        return f"{zero}{whole}from {_plain(self.low)} to {_plain(self.high)}{many}"


def _plain(bound: float | None) -> str:
    return f"{bound:,.0f}" if bound is not None and bound == int(bound) else f"{bound:g}"


def option(default: Any, kind: str, help: str, **bounds: Any) -> Any:
    """A field of the catalog: its default, and what it may be."""
    metadata = {"spec": Spec(kind, help, **bounds)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)
