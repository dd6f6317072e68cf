"""The control of a number: one to type and one to turn, in round steps."""

from __future__ import annotations

from typing import Final

import gradio as gr

from bruno.studio.controls import Control

_TEMPLATE: Final = """
<div class="dial">
  <label for="${name}">${title}</label>
  <input id="${name}" class="typed" type="number" inputmode="decimal" min="${low}" max="${high}"
    step="${whole ? 1 : 'any'}" value="${value ?? ''}" aria-describedby="${name}-help">
  ${stops.length ? `<input class="turned" type="range" min="0" max="${stops.length - 1}" step="1"
    aria-label="${title}, by round numbers" aria-valuetext="${value ?? 'left to the server'}"
    value="${Math.max(0, stops.filter((stop) => stop <= value).length - 1)}">` : ''}
  <p id="${name}-help">${about}</p>
</div>
"""

_BEHAVIOR: Final = """
element.addEventListener('input', (event) => {
  if (event.target.type === 'range') props.value = props.stops[Number(event.target.value)];
});
element.addEventListener('change', (event) => {
  if (event.target.type !== 'number') return;
  const typed = event.target.value;
  props.value = typed === '' ? null : Number(typed);
});
"""


def dial(control: Control) -> gr.HTML:
    """A number's control; its value is a number, or None where it is left to the server."""
    return gr.HTML(
        value=None,
        html_template=_TEMPLATE,
        js_on_load=_BEHAVIOR,
        elem_classes=["dial-block"],
        name=control.name,
        title=control.label,
        about=control.help,
        low=control.low,
        high=control.high,
        whole=control.whole,
        stops=list(control.stops),
    )
