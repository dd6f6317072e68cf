"""The terms of a total by name: which loss, of which layer, and what each counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from painter.losses.catalog import JOINT_LOSSES
from painter.options.catalog import Options


@dataclass(frozen=True, slots=True)
class Term:
    """One unweighted loss of a total; `layer` is empty where it is of several layers at once.

    `kind` is `content` or `style`, `loss` a name of the catalog.
    """

    kind: str
    loss: str
    layer: str

    @property
    def place(self) -> str:
        """What its loss is told by: the layer, or the name of a loss that has several."""
        return self.layer or self.loss

    @property
    def taps(self) -> tuple[str, ...]:
        """The layers whose features it is of."""
        return (self.layer,) if self.layer else JOINT_LOSSES[self.loss].taps


def terms_of(options: Options) -> dict[Term, float]:
    """All terms but the variation, in the order of a total, with their weights.

    These are of the loss and the layer alone: alpha and beta are left out.
    """
    content = _terms("content", options.content_loss, options.content_layers)
    return content | _terms("style", options.style_loss, options.style_layers)


def _terms(
    kind: str, losses: Mapping[str, float], layers: Mapping[str, float]
) -> dict[Term, float]:
    terms: dict[Term, float] = {}
    for loss, weight in losses.items():
        by_layer = {"": 1.0} if loss in JOINT_LOSSES else layers
        terms |= {Term(kind, loss, layer): weight * share for layer, share in by_layer.items()}
    return terms
