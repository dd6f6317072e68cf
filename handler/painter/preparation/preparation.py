"""From a plan to the objective of one of its levels."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import torch
from torch import Tensor

from painter.canvas.downsampling import Downsampling
from painter.canvas.layout import seamless_of
from painter.device.sending import sent
from painter.evaluation.levels import pass_config_of
from painter.evaluation.objective import Layout, Objective
from painter.losses.catalog import NEIGHBOR_LOSSES, STYLE_LOSSES
from painter.losses.terms import terms_of
from painter.network.vgg import VGG19
from painter.options.catalog import Options
from painter.planning.plan import Plan
from painter.planning.pyramid import Level
from painter.preparation.content_targets import ContentTargets
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.pieces import Work
from painter.preparation.region_targets import RegionTargets
from painter.preparation.sampled_targets import SampledTargets
from painter.preparation.shared import Shared
from painter.preparation.style_cache import StyleCache


class Preparation:
    """The objective of a level in the making, on top of that of the level before.

    `advance` does a piece: a pass, or the weights of a mask at a layer. `is_condensed` makes it
    what the condensed network sees. Once it is done, it has `shared` for that of the other network.
    """

    def __init__(
        self,
        plan: Plan,
        level: Level,
        vgg: VGG19,
        cache: StyleCache,
        coarser: Objective | None = None,
        is_condensed: bool = False,
        shared: Shared | None = None,
    ) -> None:
        self._plan, self._vgg, self._coarser = plan, vgg, coarser
        self._shape, self._terms = level.shape, terms_of(plan.options)
        self._config = replace(pass_config_of(plan, vgg.trunk), is_condensed=is_condensed)
        inputs = LevelInputs(plan, level.shape, vgg, cache, self._config)
        self._shifts = inputs.shifts
        self._style_losses = {
            term: STYLE_LOSSES[term.loss].at(
                vgg.typical_energy[term.layer], vgg.channels_of(term.layer), vgg.device
            )
            for term in self._terms
            if term.loss in STYLE_LOSSES
        }
        self._joint_losses = {
            term: NEIGHBOR_LOSSES[term.loss]()
            for term in self._terms
            if term.loss in NEIGHBOR_LOSSES
        }
        self._content = ContentTargets(inputs, shared)
        has_neighbors = bool(self._joint_losses)
        weights = [None] * len(plan.parts) if shared is None else shared.region_weights
        self._regions = [
            RegionTargets(inputs, part, self._style_losses, has_neighbors, each)
            for part, each in zip(plan.parts, weights, strict=True)
        ]
        self._samples = SampledTargets(inputs)
        of_regions = chain.from_iterable(region.pieces() for region in self._regions)
        self._work = Work([*self._content.pieces(), *of_regions, *self._samples.pieces()])

    def advance(self) -> Objective | None:
        """Does a piece; once all are done, tells the objective."""
        if self._work.is_done:
            return self._objective()
        self._work.advance()
        return None

    @property
    def shared(self) -> Shared:
        """What the other network's objective of this level has in common with this one."""
        content, regions = self._content, self._regions
        weights = tuple(region.weights for region in regions)
        return Shared(content.content, content.weights, weights, content.features_alike())

    def _objective(self) -> Objective:
        options, device = self._plan.options, self._vgg.device
        regions = tuple(each.region() for each in self._regions)
        layouts = {
            shift: Layout(
                self._content.features(shift),
                self._content.weights.at(shift),
                tuple(each.weights.at(shift) for each in self._regions),
            )
            for shift in self._shifts
        }
        return Objective(
            config=self._config,
            content_config=self._content.config,
            terms=tuple(self._terms),
            weights=sent(_weights_of_terms(options), device),
            has_variation=options.tv > 0,
            content_losses=self._content.losses(),
            style_losses=self._style_losses,
            joint_losses=self._joint_losses,
            content=self._content.content,
            regions=regions,
            layouts=layouts,
            coarser=self._coarser,
            samplings=self._samples.samplings([region.share for region in regions]),
            downsampling=self._downsampling(),
        )

    def _downsampling(self) -> Downsampling | None:
        if self._coarser is None:
            return None
        seamless = seamless_of(self._plan.options)
        return Downsampling(self._shape, self._coarser.shape, self._vgg.device, seamless)


def _weights_of_terms(options: Options) -> Tensor:
    shares = {"content": options.alpha, "style": options.beta}
    weights = [shares[term.kind] * weight for term, weight in terms_of(options).items()]
    return torch.tensor([*weights, options.tv], dtype=torch.float64)
