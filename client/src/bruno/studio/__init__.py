"""The studio: a page in the browser where a photo becomes a painting, by `bruno studio`.

Logic and view are apart. `words`, `controls`, `dials`, `order`, `variations`, `masks`,
`view_state`, `losses`, `lapse`, `tries`, `session` and `visitors` know no Gradio: they turn
options, events and pictures into what is shown. `fragments` and `cards` write it as HTML, `files`
keeps what the browser asks for, `parts` lay it out, `acts` answer what people do, `page` puts them
together and `app` serves it.
"""
