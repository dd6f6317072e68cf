"""The part of the page with the dials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from bruno.studio.controls import CONTROLS, MAIN, Control, others
from bruno.studio.dial import dial
from bruno.studio.looks import looks
from bruno.studio.words import glossary

_RADIOS_MOST: Final = 4


@dataclass(frozen=True)
class Settings:
    """A control for every option, by name, and what takes a change of them back."""

    controls: dict[str, Any]
    undo: gr.Button
    redo: gr.Button
    load: gr.UploadButton


def settings() -> Settings:
    """The dials of the first screen in a painter's words, the others in a fold."""
    with gr.Group(elem_classes=["settings"]):
        shown = {name: _control(CONTROLS[name]) for name in MAIN}
    with gr.Row(elem_id="turning"):
        undo = gr.Button("Undo", size="sm", interactive=False, elem_id="undo")
        redo = gr.Button("Redo", size="sm", interactive=False, elem_id="redo")
        load = gr.UploadButton(
            "Settings of a painting …", file_types=["image"], size="sm", elem_id="load"
        )
    with gr.Accordion("All dials", open=False), gr.Group(elem_classes=["settings"]):
        gr.HTML(f'<p class="glossary">{glossary()}</p>')
        shown |= {control.name: _control(control) for control in others()}
    return Settings(shown, undo, redo, load)


def text(name: str, help: str, example: str = "") -> gr.Textbox:
    """A line to type into, under an option's name."""
    return gr.Textbox(
        label=name.replace("_", " "), info=help, placeholder=example, elem_id=name, max_lines=3
    )


def _control(control: Control) -> Any:
    how: dict[str, Any] = {"label": control.label, "info": control.hint, "elem_id": control.name}
    if control.kind == "dial":
        return dial(control)
    if control.kind == "flag":
        return gr.Checkbox(**how)
    if control.kind == "text":
        return text(control.name, control.help)
    if control.name in MAIN:
        return looks(control)
    kind = gr.Radio if len(control.choices) <= _RADIOS_MOST else gr.Dropdown
    return kind(list(control.choices), value=None, **how)
