"""`bruno paint --like`: what the record of a painting asks for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from bruno.cli.files import digest
from bruno.client import Bruno
from bruno.inputs import read_picture
from bruno.options import OPTIONS, Request
from bruno.painting import FORMATS
from bruno.protocol.exchange import DEFAULT_TIMEOUT
from bruno.protocol.request import make_form
from bruno.records import Record


def options_like(record: Record, options: Request, output: str, styles: int) -> Request:
    """The options of a record under those given.

    Its format only where the suffix allows it, its weights for as many styles.
    """
    if "preset" in options:
        raise click.UsageError("--preset does not go with --like: both choose all options")
    then: Mapping[str, Any] = record["options"]
    recorded: Any = {name: then[name] for name in OPTIONS if name in then}
    if output != "-" and recorded.get("format") not in FORMATS.get(Path(output).suffix.lower(), ()):
        recorded.pop("format", None)
    if len(record.get("style_weights", ())) == styles:
        recorded["style_weights"] = record["style_weights"]
    return {**recorded, **options}


def warn_of_differences(
    client: Bruno, record: Record, pictures: Sequence[bytes], options: Request
) -> None:
    """Warns of each picture that is another than the one a record was made of, and of weights."""
    if "digests" not in record or "weights" not in record:
        click.echo("warning: the record does not tell which pictures it was made of", err=True)
        return
    content, *styles = map(digest, pictures)
    read = partial(read_picture, timeout=DEFAULT_TIMEOUT)
    sent = make_form(pictures[0], pictures[1:], options, read).pictures
    digests = record["digests"]
    now = {
        "photo": content,
        "styles": styles,
        "masks": {name: digest(data) for name, data in sent.items() if "mask" in name},
        "canvas": digest(sent["canvas"]) if "canvas" in sent else None,
        "palette": digest(sent["palette"]) if "palette" in sent else None,
        "weights": client.describe()["weights"]["sha256"],
    }
    then = {
        "photo": digests["content"],
        "styles": digests["styles"],
        "masks": digests.get("masks", {}),
        "canvas": digests.get("canvas"),
        "palette": digests.get("palette"),
        "weights": record["weights"],
    }
    for what, sent_now in now.items():
        if sent_now != then[what]:
            click.echo(f"warning: not the same {what} as in the record", err=True)
