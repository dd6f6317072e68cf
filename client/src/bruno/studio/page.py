"""The page: its parts laid out, and wired to what they do."""

from __future__ import annotations

from typing import Final

import gradio as gr

from bruno.client import Bruno
from bruno.studio import act_masks, act_paint, act_tries, parts
from bruno.studio.controls import SCALES, WEIGHTS
from bruno.studio.session import Session

_CACHE_SECONDS: Final = (3600, 86400)


def make_page(client: Bruno) -> gr.Blocks:
    """The studio's page for paintings by `client`; its visitors share nothing but the client."""
    page = gr.Blocks(
        title="Bruno studio", analytics_enabled=False, fill_width=True, delete_cache=_CACHE_SECONDS
    )
    with page:
        session = gr.State(Session())
        server = parts.header()
        with gr.Row(elem_id="studio"):
            with gr.Column(scale=4, min_width=320, elem_id="left"):
                pictures = parts.pictures()
                load = parts.loader()
                settings = parts.settings()
                masks = parts.masks()
            with gr.Column(scale=7, min_width=320, elem_id="right"):
                easel = parts.easel()
                shelf = parts.shelf()
        values = {**settings, SCALES: pictures.scales, WEIGHTS: pictures.weights}
        bench = parts.Bench(client, session, server, pictures, values, load, easel, shelf)
        act_paint.wire(page, bench)
        act_tries.wire(bench)
        act_masks.wire(bench, masks)
    return page
