"""The control of a choice whose values are shown as pictures."""

from __future__ import annotations

from typing import Final

import gradio as gr

from bruno.studio import fragments, samples
from bruno.studio.controls import Control

_TEMPLATE: Final = """
<div class="looks" role="radiogroup" aria-labelledby="${name}-title" title="${tip}"
  style="--across: ${looks.length}">
  <p id="${name}-title">${title}</p>
  ${looks.map((look) => `<label>
    <input type="radio" name="${name}" value="${look.value}"
      ${look.value === value ? 'checked' : ''}>
    ${look.picture ? `<img src="${look.picture}" alt="">` : ''}<span>${look.label}</span>
  </label>`).join('')}
</div>
"""

_BEHAVIOR: Final = """
element.addEventListener('change', (event) => {
  event.stopPropagation();
  props.value = event.target.value;
  trigger('input');
});
watch('value', () => element.querySelectorAll('input').forEach(
  (input) => { input.checked = input.value === props.value; }));
"""


def looks(control: Control) -> gr.HTML:
    """A choice with a picture for every value; `input` tells that a visitor chose."""
    return gr.HTML(
        value=None,
        html_template=_TEMPLATE,
        js_on_load=_BEHAVIOR,
        elem_id=control.name,
        name=control.name,
        title=control.label,
        tip=control.tooltip,
        looks=[_look(label, value) for label, value in control.labeled],
    )


def _look(label: str, value: str) -> dict[str, str]:
    picture = samples.preset_picture(value)
    return {
        "label": label,
        "value": value,
        "picture": fragments.inline(picture) if picture else "",
    }
