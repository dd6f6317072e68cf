"""The part of the page where masks are brushed."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from bruno.studio import cards
from bruno.studio.assets import text_of
from bruno.studio.masks import CONTENT, roles


@dataclass(frozen=True)
class Masks:
    """Brushing masks."""

    role: gr.Dropdown
    editor: gr.ImageEditor
    keep: gr.Button
    drop: gr.Button
    kept: gr.HTML


def masks() -> Masks:
    """The editor where masks are brushed, in a fold."""
    with gr.Accordion("Masks", open=False, elem_id="masks"):
        gr.HTML("<p>Brush over what counts, keep the mask, and brush the next one.</p>")
        role = gr.Dropdown(roles(1), value=CONTENT, label="This mask says")
        editor = gr.ImageEditor(
            label="Brush",
            type="pil",
            sources=[],
            transforms=[],
            layers=False,
            brush=gr.Brush(colors=["rgba(255, 80, 80, 0.55)"], color_mode="fixed"),
            buttons=[],
            height=380,
        )
        with gr.Row():
            keep = gr.Button("Keep this mask", size="sm")
            drop = gr.Button("Remove all masks", size="sm")
        kept = gr.HTML(cards.masks([]), js_on_load=text_of("picks.js"))
    return Masks(role, editor, keep, drop, kept)
