"""The page: its parts laid out, and wired to what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr

from bruno.client import Bruno
from bruno.studio import (
    act_arrive,
    act_dials,
    act_masks,
    act_paint,
    act_pictures,
    act_tries,
    act_views,
    part_easel,
    part_masks,
    part_pictures,
    part_settings,
    part_shelf,
)
from bruno.studio.bench import Bench, header
from bruno.studio.controls import SCALES, WEIGHTS
from bruno.studio.files import Files
from bruno.studio.session import Session
from bruno.studio.visitors import Visitors

_CACHE_SECONDS: Final = (3600, 86400)


def make_page(client: Bruno) -> gr.Blocks:
    """The studio's page for paintings by `client`; its visitors share nothing but the client."""
    page = gr.Blocks(
        title="Bruno studio", analytics_enabled=False, fill_width=True, delete_cache=_CACHE_SECONDS
    )
    with page:
        session = gr.State(Session())
        server = header()
        with gr.Row(elem_id="studio"):
            with gr.Column(scale=4, min_width=320, elem_id="left"):
                pictures = part_pictures.pictures()
                settings = part_settings.settings()
                masks = part_masks.masks()
            with gr.Column(scale=7, min_width=320, elem_id="right"):
                easel = part_easel.easel()
                shelf = part_shelf.shelf()
        values = {**settings.controls, SCALES: pictures.scales, WEIGHTS: pictures.weights}
        files = Files(Path(shelf.download.GRADIO_CACHE))
        bench = Bench(client, files, session, server, pictures, settings, values, easel, shelf)
        act_arrive.wire(page, bench, masks, Visitors())
        act_dials.wire(bench)
        act_paint.wire(bench, act_pictures.wire(bench))
        act_tries.wire(bench)
        act_views.wire(bench)
        act_masks.wire(bench, masks)
    return page
