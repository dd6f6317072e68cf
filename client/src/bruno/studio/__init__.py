"""The studio: a page in the browser where a photo becomes a painting, by `bruno studio`.

Logic and view are apart. `controls`, `telling`, `losses`, `tries`, `masks` and `session` know
no Gradio: they turn options, events and pictures into what is shown. `fragments` writes it as
HTML, `parts` and `page` lay it out, `act_paint`, `act_tries` and `act_masks` answer what people
do, and `app` serves it.
"""
