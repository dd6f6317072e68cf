"""Loss and gradient of canvases, in one pass or in one shared by several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from painter.canvas.layout import Shift, pad, unpad_gradient
from painter.evaluation.comparing import (
    Losses,
    compare_styles,
    neighbor_losses,
    region_statistics,
    tap_gradients,
    terms_of,
)
from painter.evaluation.objective import Objective
from painter.evaluation.sampling import bring_back, compare_samples, gathered
from painter.losses.variation import variation
from painter.network.pass_config import PassConfig
from painter.network.vgg import VGG19


@dataclass(frozen=True, slots=True)
class View:
    """One evaluation that a painting waits for; the gradient is left out where it needs none."""

    canvas: Tensor
    objective: Objective
    shift: Shift
    with_gradient: bool = True

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Views that agree in this may share a pass."""
        config = self.objective.config.with_taps(())
        return self.canvas.shape, config, self.with_gradient


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a view comes to, all of it on the device: nobody has waited for it yet.

    `terms` are the objective's, unweighted. `gradient` is [3, H, W], or None where none was asked
    for, and `objective_value` what it is of: the total, and what coarser views add to it, which
    both have already where it `is_whole`.
    """

    terms: Tensor
    gradient: Tensor | None
    objective_value: Tensor
    is_whole: bool = False


def features_of(vgg: VGG19, pixels: Tensor, config: PassConfig) -> dict[str, Tensor]:
    """The features of pixels [3, H, W] at the taps of a pass, each [C, h, w]."""
    return {tap: values[0] for tap, values in vgg.trace(pixels[None], config).taps.items()}


@torch.no_grad()
def evaluate(vgg: VGG19, views: Sequence[View]) -> list[Evaluation]:
    """Evaluates views of one batch key in one pass; targets and weights stay each one's own."""
    configs = [view.objective.config for view in views]
    config = configs[0].with_taps(tap for each in configs for tap in each.taps)
    trace = vgg.trace(torch.stack([pad(view.canvas, view.shift) for view in views]), config)
    results = [
        _one_of(view, {tap: values[index] for tap, values in trace.taps.items()})
        for index, view in enumerate(views)
    ]
    if not views[0].with_gradient:
        return [
            evaluation_of(view, each.losses, None)
            for view, each in zip(views, results, strict=True)
        ]
    at_taps = {
        tap: _stacked([each.gradients.get(tap) for each in results], trace.taps[tap])
        for tap in config.taps
    }
    gradient = vgg.gradient(trace, config, at_taps)
    triples = zip(views, results, gradient, strict=True)
    return [evaluation_of(view, each.losses, part) for view, each, part in triples]


@dataclass(frozen=True, slots=True)
class _AtTaps:
    """What a canvas's features came to: unweighted losses, and the total's gradients."""

    losses: Losses
    gradients: Mapping[str, Tensor]


def evaluation_of(view: View, losses: Losses, gradient: Tensor | None) -> Evaluation:
    """From unweighted losses, and the gradient [3, H, W] at the canvas in its margin."""
    objective = view.objective
    whole = None if gradient is None else unpad_gradient(gradient, view.shift)
    onto = whole if objective.has_variation else None
    seamless = view.shift.seamless
    tv = variation(view.canvas, onto, objective.weight_of_variation, seamless)
    terms = terms_of(objective, losses, tv)
    return Evaluation(terms, whole, terms @ objective.weights)


def _one_of(view: View, features: Mapping[str, Tensor]) -> _AtTaps:
    objective, layout = view.objective, view.objective.layouts[view.shift]
    by_region = region_statistics(objective, layout, None, features)
    style, to_means = compare_styles(objective, by_region)
    assert layout.content is not None  # only tiles make it anew
    wanted = to_means if view.with_gradient else {}
    content, gradients = tap_gradients(
        objective, layout, None, features, layout.content, by_region, wanted
    )
    onto = gradients if view.with_gradient else None
    joint = neighbor_losses(objective, view.shift, None, features, onto)
    rows = gathered(objective, view.shift, None, features)
    sampled, to_rows = compare_samples(objective, view.shift, rows)
    if view.with_gradient:
        bring_back(objective, view.shift, None, features, to_rows, gradients)
    return _AtTaps({**content, **style, **joint, **sampled}, gradients)


def _stacked(gradients: Sequence[Tensor | None], like: Tensor) -> Tensor:
    if len(gradients) == 1 and gradients[0] is not None:
        return gradients[0][None]
    whole = torch.zeros_like(like)
    for row, gradient in zip(whole, gradients, strict=True):
        if gradient is not None:
            row.copy_(gradient)
    return whole
