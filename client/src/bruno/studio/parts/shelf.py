"""The part of the page with the tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from bruno.studio import cards
from bruno.studio.assets import text_of


@dataclass(frozen=True)
class Shelf:
    """The tries, and what can be done with one or two of them."""

    tries: gr.HTML
    download: gr.DownloadButton
    larger: gr.Button
    reuse: gr.Button
    forget: gr.Button
    comparison: gr.Column
    one: gr.Dropdown
    other: gr.Dropdown
    compared: gr.HTML

    def outputs(self) -> list[Any]:
        """The parts that change with the tries."""
        return [
            self.tries, self.download, self.larger, self.reuse, self.forget, self.comparison,
            self.one, self.other, self.compared,
        ]  # fmt: skip


def shelf() -> Shelf:
    """Tries and comparison."""
    with gr.Column(elem_id="tries"):
        gr.HTML("<h2>Your paintings</h2>")
        tries = gr.HTML(cards.shelf([], None), js_on_load=text_of("picks.js"), elem_id="shelf")
        with gr.Row(elem_id="doings"):
            download = gr.DownloadButton("Download with its record", interactive=False, size="sm")
            larger = gr.Button("Go on from it, larger", interactive=False, size="sm")
            reuse = gr.Button("Use its settings", interactive=False, size="sm")
            forget = gr.Button("Forget it", interactive=False, size="sm")
    with gr.Column(elem_id="compare", visible=False) as comparison:
        gr.HTML("<h2>Compare</h2>")
        with gr.Row():
            one = gr.Dropdown([], label="One painting", elem_id="one")
            other = gr.Dropdown([], label="Another painting", elem_id="other")
        compared = gr.HTML(cards.comparison(None, None), elem_id="compared")
    return Shelf(tries, download, larger, reuse, forget, comparison, one, other, compared)
