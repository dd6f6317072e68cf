"""The part of the page where the painting is seen while it forms, and when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from bruno.studio import fragments
from bruno.studio.assets import text_of
from bruno.studio.losses import Losses
from bruno.studio.variations import KINDS, MOST
from bruno.studio.view_state import ViewState

PAINTING: Final = "painting"
BESIDE: Final = "beside"
LAPSE: Final = "lapse"
_COUNT: Final = 3


@dataclass(frozen=True)
class Variations:
    """Several paintings at once: what varies, and how many."""

    kind: gr.Dropdown
    count: gr.Dropdown
    paint: gr.Button


@dataclass(frozen=True)
class Easel:
    """What is seen of the painting, and the buttons that begin and end it."""

    status: gr.HTML
    queue: gr.HTML
    canvas: gr.HTML
    losses: gr.HTML
    paint: gr.Button
    go_on: gr.Button
    stop: gr.Button
    views: gr.Tabs
    before_after: gr.ImageSlider
    share: gr.Slider
    lapse: gr.HTML
    beside_tab: gr.Tab
    lapse_tab: gr.Tab
    variations: Variations

    def outputs(self) -> list[Any]:
        """The parts that change while it is painted."""
        return [
            self.status, self.queue, self.canvas, self.losses, self.paint, self.stop, self.views,
        ]  # fmt: skip


def easel() -> Easel:
    """The buttons, the views of the painting, and what is told of it."""
    with gr.Row(elem_id="actions"):
        paint = gr.Button("Paint", variant="primary", elem_id="paint")
        go_on = gr.Button("Go on with these dials", interactive=False, elem_id="go-on")
        stop = gr.Button("Stop and keep", variant="stop", interactive=False, elem_id="stop")
    with gr.Tabs(elem_id="views") as views:
        with gr.Tab("Painting", id=PAINTING):
            empty = fragments.canvas(ViewState())
            canvas = gr.HTML(empty, js_on_load=text_of("canvas.js"), elem_id="canvas")
        with gr.Tab("Before and after", id=BESIDE) as beside_tab:
            before_after = gr.ImageSlider(
                label="The photo on the left, the painting on the right",
                type="filepath",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="before-after",
                max_height=620,
            )
            # The handle of the pictures themselves cannot be moved by keyboard.
            share = gr.Slider(
                0, 100, 50, step=5, label="How much of the photo", buttons=[], elem_id="share"
            )
        with gr.Tab("Time-lapse", id=LAPSE) as lapse_tab:
            lapse = gr.HTML(fragments.lapse(None), elem_id="lapse")
    greeting = ViewState().saying("")
    status = gr.HTML(fragments.status(greeting), elem_id="status")
    queue = gr.HTML("", js_on_load=text_of("picks.js"), elem_id="queue")
    variations = _variations()
    losses = gr.HTML(fragments.curves(Losses()), elem_id="losses")
    return Easel(
        status, queue, canvas, losses, paint, go_on, stop, views, before_after, share, lapse,
        beside_tab, lapse_tab, variations,
    )  # fmt: skip


def _variations() -> Variations:
    with gr.Accordion("Several variations at once", open=False, elem_id="variations"), gr.Row():
        kind = gr.Dropdown(list(KINDS.items()), value="beta", label="What varies")
        counts = [str(count) for count in range(2, MOST + 1)]
        count = gr.Dropdown(counts, value=str(_COUNT), label="How many")
        paint = gr.Button("Paint the variations", elem_id="paint-variations")
    return Variations(kind, count, paint)
