"""The part of the page for what goes in: the photo, the styles, and samples of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from bruno.studio import cards, samples
from bruno.studio.assets import text_of
from bruno.studio.controls import SCALES, WEIGHTS, help_of
from bruno.studio.parts.settings import text

_MUSEUM: Final = "From a museum …"
_HEIGHT: Final = 170


@dataclass(frozen=True)
class Pictures:
    """What goes in."""

    photo: gr.Image
    styles: gr.Gallery
    photo_samples: gr.HTML
    style_samples: gr.HTML
    museum: gr.Dropdown
    blend: gr.Checkbox
    weights: gr.Textbox
    scales: gr.Textbox
    canvas: gr.Image
    palette: gr.Image

    def inputs(self) -> list[Any]:
        """The parts with pictures."""
        return [self.photo, self.styles, self.canvas, self.palette]


def pictures() -> Pictures:
    """The photo and the styles, and what few people need of them in a fold."""
    with gr.Row(elem_id="pictures"):
        with gr.Column(min_width=140, elem_classes=["input"]):
            photo = _picture("Your photo", "photo")
            photo_samples = _samples(cards.photo_samples())
        with gr.Column(min_width=140, elem_classes=["input"]):
            styles = _gallery()
            style_samples = _samples(cards.style_samples())
            museum = gr.Dropdown(
                [(_MUSEUM, ""), *samples.museum()],
                value="",
                label="From a museum",
                container=False,
                elem_id="museum",
            )
    with gr.Accordion("Several styles, another start, other colors", open=False):
        blend = gr.Checkbox(label="A style that is clicked joins those that are there")
        weights = text(WEIGHTS, help_of(WEIGHTS), "1, 1")
        scales = text(SCALES, "Scale of each style, instead of one style scale for all.", "1, 0.5")
        canvas = _picture("Canvas to start from", "start")
        palette = _picture("Picture to take the colors from", "palette")
    return Pictures(
        photo, styles, photo_samples, style_samples, museum, blend, weights, scales, canvas, palette
    )  # fmt: skip


def _samples(html: str) -> gr.HTML:
    return gr.HTML(html, js_on_load=text_of("picks.js"))


def _gallery() -> gr.Gallery:
    return gr.Gallery(
        label="In the style of",
        elem_id="styles",
        type="filepath",
        file_types=["image"],
        sources=["upload", "clipboard"],
        columns=2,
        height=_HEIGHT,
        object_fit="cover",
        allow_preview=False,
        interactive=True,
        buttons=[],
        min_width=140,
    )


def _picture(label: str, name: str) -> gr.Image:
    picture = gr.Image(
        label=label,
        elem_id=name,
        type="filepath",
        sources=["upload", "clipboard"],
        height=_HEIGHT,
        buttons=[],
        min_width=140,
    )
    # Gradio would open the file, and fail without a sentence; the server says what is wrong.
    # Not in a subclass: for each of those Gradio writes a stub file beside this one.
    picture.preprocess = _path_of  # type: ignore[method-assign]
    return picture


def _path_of(payload: Any) -> str | None:
    return payload.path if payload else None
