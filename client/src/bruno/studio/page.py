"""The page: its parts laid out, and wired to what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr

from bruno.client import Bruno
from bruno.studio import acts, parts
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
                pictures = parts.pictures.pictures()
                settings = parts.settings.settings()
                masks = parts.masks.masks()
            with gr.Column(scale=7, min_width=320, elem_id="right"):
                easel = parts.easel.easel()
                shelf = parts.shelf.shelf()
        values = {**settings.controls, SCALES: pictures.scales, WEIGHTS: pictures.weights}
        files = Files(Path(shelf.download.GRADIO_CACHE))
        bench = Bench(client, files, session, server, pictures, settings, values, easel, shelf)
        acts.arrive.wire(page, bench, masks, Visitors())
        acts.dials.wire(bench)
        acts.paint.wire(bench, acts.pictures.wire(bench))
        acts.tries.wire(bench)
        acts.views.wire(bench)
        acts.masks.wire(bench, masks)
    return page
