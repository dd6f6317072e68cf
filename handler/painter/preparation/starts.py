"""The canvases that a plan's levels start from."""

from __future__ import annotations

import torch
from torch import Tensor

from painter.canvas.downsampling import resized
from painter.canvas.layout import seamless_of
from painter.device.sending import sent
from painter.evaluation.objective import Objective
from painter.options.catalog import Options
from painter.pictures.picture import resize
from painter.planning.plan import Plan


def canvas_of(plan: Plan, shape: tuple[int, int], device: torch.device) -> Tensor:
    """What the canvas of the first level starts from."""
    options = plan.options
    if plan.resume is not None and plan.start is not None:
        return sent(resize(plan.start, shape), device)
    generator = torch.Generator().manual_seed(options.seed)
    noise = torch.rand(3, *shape, generator=generator)
    if options.init == "noise":
        return sent(noise, device)
    if plan.start is not None:
        canvas = resize(plan.start, shape)
    elif options.init == "style":
        canvas = _covering(plan.parts[0].styles[0][1].picture.samples, shape)
    else:
        canvas = resized(plan.content, shape, seamless_of(plan.options))
    return sent(torch.lerp(canvas, noise, options.init_noise), device)


def enlarged(plan: Plan, objective: Objective, canvas: Tensor) -> Tensor:
    """The canvas [3, h, w] of the level before at an objective's size.

    What it lacks of the photo, all that is finer than its own pixels, is added: as much as the
    photo counts beside the style, and where it counts. From there a level needs half the steps.
    """
    photo, shape, seamless = objective.content, objective.shape, seamless_of(plan.options)
    larger = resized(canvas, shape, seamless)
    share = _share_of_detail(plan.options)
    if not share:
        return larger
    smaller = resized(photo, (canvas.shape[-2], canvas.shape[-1]), seamless)
    detail = photo - resized(smaller, shape, seamless)
    if plan.content_mask is not None:
        detail *= sent(resize(plan.content_mask, shape), detail.device)
    return detail.mul_(share).add_(larger).clamp_(0, 1)


def _share_of_detail(options: Options) -> float:
    """All of it where the photo counts as much as by default, less where it counts less."""
    usual = Options()
    if not options.beta:
        return 1.0
    return min(1.0, options.alpha / options.beta * usual.beta / usual.alpha)


def _covering(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """The middle of a picture, as large as it goes without being stretched."""
    height, width = picture.shape[-2:]
    scale = max(shape[0] / height, shape[1] / width)
    whole = resize(
        picture, (max(shape[0], round(height * scale)), max(shape[1], round(width * scale)))
    )
    top, left = (whole.shape[-2] - shape[0]) // 2, (whole.shape[-1] - shape[1]) // 2
    return whole[:, top : top + shape[0], left : left + shape[1]]
