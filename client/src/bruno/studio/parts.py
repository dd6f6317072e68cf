"""The parts of the page: what is laid out, and under which name the acts know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from bruno.client import Bruno
from bruno.studio import fragments
from bruno.studio.controls import CONTROLS, MAIN, SCALES, WEIGHTS, Control, help_of, others
from bruno.studio.dial import dial
from bruno.studio.losses import Losses
from bruno.studio.masks import CONTENT, roles
from bruno.studio.telling import Shown

QUIET: Final[dict[str, Any]] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": None,
}
"""How all events are wired: the server's own line is the only one, and the page shows it."""

_RADIOS_MOST: Final = 4
_PICK: Final = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-try]');
  if (button) trigger('select', { number: Number(button.dataset.try) });
});
"""


@dataclass(frozen=True)
class Pictures:
    """What goes in."""

    photo: gr.Image
    styles: gr.Gallery
    weights: gr.Textbox
    scales: gr.Textbox
    canvas: gr.Image

    def inputs(self) -> list[Any]:
        """The parts with pictures."""
        return [self.photo, self.styles, self.canvas]


@dataclass(frozen=True)
class Masks:
    """Brushing masks."""

    role: gr.Dropdown
    editor: gr.ImageEditor
    keep: gr.Button
    drop: gr.Button
    kept: gr.HTML


@dataclass(frozen=True)
class Easel:
    """What is seen of the painting while it forms."""

    status: gr.HTML
    canvas: gr.HTML
    losses: gr.HTML
    paint: gr.Button
    stop: gr.Button

    def outputs(self) -> list[Any]:
        """All of its parts."""
        return [self.status, self.canvas, self.losses, self.paint, self.stop]


@dataclass(frozen=True)
class Shelf:
    """The tries, and what can be done with one or two of them."""

    tries: gr.HTML
    download: gr.DownloadButton
    reuse: gr.Button
    forget: gr.Button
    comparison: gr.Column
    one: gr.Dropdown
    other: gr.Dropdown
    compared: gr.HTML

    def outputs(self) -> list[Any]:
        """The parts that change with the tries."""
        return [
            self.tries, self.download, self.reuse, self.forget, self.comparison,
            self.one, self.other, self.compared,
        ]  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """The whole page, for those who act on it; `values` are the controls by name."""

    client: Bruno
    session: gr.State
    server: gr.HTML
    pictures: Pictures
    values: Mapping[str, Any]
    load: gr.UploadButton
    easel: Easel
    shelf: Shelf

    def showing(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """The controls with other values; those without one become empty."""
        return {part: values.get(name) for name, part in self.values.items()}


def header() -> gr.HTML:
    """The title; returns the line that tells the server's health."""
    with gr.Row(elem_id="header"):
        gr.HTML("<h1>Bruno</h1><p>Paint a photo in the style of any painting.</p>")
        return gr.HTML(fragments.server("Asking the server …"), elem_id="server")


def pictures() -> Pictures:
    """The photo and the styles, and what few people need of them in a fold."""
    with gr.Row(elem_id="pictures"):
        photo = _picture("Content photo", "photo")
        styles = gr.Gallery(
            label="Styles",
            elem_id="styles",
            type="filepath",
            file_types=["image"],
            sources=["upload", "clipboard"],
            columns=2,
            height=190,
            object_fit="cover",
            allow_preview=False,
            interactive=True,
            buttons=[],
            min_width=140,
        )
    with gr.Accordion("Several styles, another start", open=False):
        weights = _text(WEIGHTS, help_of(WEIGHTS), "1, 1")
        scales = _text(SCALES, "Scale of each style, instead of one style scale for all.", "1, 0.5")
        canvas = _picture("Canvas to start from", "start")
    return Pictures(photo, styles, weights, scales, canvas)


def _picture(label: str, name: str) -> gr.Image:
    picture = gr.Image(
        label=label,
        elem_id=name,
        type="filepath",
        sources=["upload", "clipboard"],
        height=190,
        buttons=[],
        min_width=140,
    )
    # Gradio would open the file, and fail without a sentence; the server says what is wrong.
    # Not in a subclass: for each of those Gradio writes a stub file beside this one.
    picture.preprocess = _path_of  # type: ignore[method-assign]
    return picture


def _path_of(payload: Any) -> str | None:
    return payload.path if payload else None


def _text(name: str, help: str, example: str = "") -> gr.Textbox:
    return gr.Textbox(
        label=name.replace("_", " "), info=help, placeholder=example, elem_id=name, max_lines=3
    )


def settings() -> dict[str, Any]:
    """A control for every option, by name: the main ones in sight, the others in a fold."""
    shown: dict[str, Any] = {}
    with gr.Group(elem_classes=["settings"]):
        for name in MAIN:
            shown[name] = _control(CONTROLS[name])
    with gr.Accordion("All other options", open=False), gr.Group(elem_classes=["settings"]):
        for control in others():
            shown[control.name] = _control(control)
    return shown


def _control(control: Control) -> Any:
    how: dict[str, Any] = {"label": control.label, "info": control.help, "elem_id": control.name}
    if control.kind == "dial":
        return dial(control)
    if control.kind == "flag":
        return gr.Checkbox(**how)
    if control.kind == "text":
        return _text(control.name, control.help)
    kind = gr.Radio if len(control.choices) <= _RADIOS_MOST else gr.Dropdown
    return kind(list(control.choices), value=None, **how)


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
            drop = gr.Button("Drop all masks", size="sm")
        kept = gr.HTML(fragments.masks([]))
    return Masks(role, editor, keep, drop, kept)


def easel() -> Easel:
    """Canvas, status and losses, with the two buttons."""
    with gr.Row(elem_id="actions"):
        paint = gr.Button("Paint", variant="primary", elem_id="paint")
        stop = gr.Button("Stop and keep", variant="stop", interactive=False, elem_id="stop")
    canvas = gr.HTML(fragments.canvas(Shown()), elem_id="canvas")
    greeting = Shown().saying("Add a photo and one to eight paintings.")
    status = gr.HTML(fragments.status(greeting), elem_id="status")
    losses = gr.HTML(fragments.curves(Losses()), elem_id="losses")
    return Easel(status, canvas, losses, paint, stop)


def loader() -> gr.UploadButton:
    """The button that takes the settings from a painting's record."""
    return gr.UploadButton(
        "Load the settings of a painting", file_types=["image"], size="sm", elem_id="load"
    )


def shelf() -> Shelf:
    """Tries and comparison."""
    with gr.Column(elem_id="tries"):
        gr.HTML("<h2>Tries</h2>")
        tries = gr.HTML(fragments.shelf([], None), js_on_load=_PICK, elem_id="shelf")
        with gr.Row(elem_id="doings"):
            download = gr.DownloadButton("Download with its record", interactive=False, size="sm")
            reuse = gr.Button("Use its settings", interactive=False, size="sm")
            forget = gr.Button("Forget it", interactive=False, size="sm")
    with gr.Column(elem_id="compare", visible=False) as comparison:
        gr.HTML("<h2>Compare</h2>")
        with gr.Row():
            one = gr.Dropdown([], label="One try", elem_id="one")
            other = gr.Dropdown([], label="Another try", elem_id="other")
        compared = gr.HTML(fragments.comparison(None, None), elem_id="compared")
    return Shelf(tries, download, reuse, forget, comparison, one, other, compared)
