"""The control of a number: one to type and one to turn, in round steps."""

from __future__ import annotations

from typing import Final

import gradio as gr

from bruno.studio.assets import text_of
from bruno.studio.controls import Control

_TEMPLATE: Final = """
<div class="dial" title="${tip}">
  <label for="${name}">${title}</label>
  <input id="${name}" class="typed" type="number" inputmode="decimal" min="${low}" max="${high}"
    step="${whole ? 1 : 'any'}" value="${value ?? ''}" aria-describedby="${name}-help">
  ${stops.length ? `<input class="turned" type="range" min="0" max="${stops.length - 1}" step="1"
    aria-label="${title}, by round numbers" aria-valuetext="${value ?? 'left to the server'}"
    value="${Math.max(0, stops.filter((stop) => stop <= value).length - 1)}">` : ''}
  <p id="${name}-help">${about}<span class="aloud">${tip}</span></p>
</div>
"""


def dial(control: Control) -> gr.HTML:
    """A number's control; its value is a number, or None where it is left to the server.

    `input` tells that a visitor turned it.
    """
    return gr.HTML(
        value=None,
        html_template=_TEMPLATE,
        js_on_load=text_of("dial.js"),
        elem_classes=["dial-block"],
        name=control.name,
        title=control.label,
        about=control.hint,
        tip="" if control.hint == control.help else control.tooltip,
        low=control.low,
        high=control.high,
        whole=control.whole,
        stops=list(control.turned),
    )
