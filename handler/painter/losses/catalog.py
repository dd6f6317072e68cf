"""The losses by the names that the options `style_loss` and `content_loss` have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from painter.losses.content import L2
from painter.losses.gram import Gram
from painter.losses.neighbors import Neighbors
from painter.losses.sampled import RelaxedTransport, SampledLoss, SelfSimilarity
from painter.losses.sliced import Sliced
from painter.losses.style_loss import StyleLoss
from painter.losses.wasserstein import Wasserstein

STYLE_LOSSES: Final[Mapping[str, type[StyleLoss[Any, Any]]]] = {
    "gram": Gram,
    "wasserstein": Wasserstein,
    "sliced": Sliced,
}
CONTENT_LOSSES: Final[Mapping[str, type[L2]]] = {"l2": L2}
# Losses of several layers at once, each of its own: at all positions, or at a sample of them.
NEIGHBOR_LOSSES: Final[Mapping[str, type[Neighbors]]] = {"neighbors": Neighbors}
SAMPLED_LOSSES: Final[Mapping[str, type[SampledLoss[Any]]]] = {
    "relaxed_transport": RelaxedTransport,
    "self_similarity": SelfSimilarity,
}
JOINT_LOSSES: Final[Mapping[str, type[Neighbors] | type[SampledLoss[Any]]]] = {
    **NEIGHBOR_LOSSES,
    **SAMPLED_LOSSES,
}
