"""Tables of the pages that tell what the code decides."""

from __future__ import annotations

import re

from blocks import ROOT
from bruno.cli.help import ENDS
from bruno_service.limits import BODY_BYTES
from painter.options.catalog import SHORTEST_SIDE, SPECS, STYLES_MOST
from painter.options.presets import PRESETS
from painter.pictures.decoding import PIXELS_MOST, SIDE_LEAST


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _rows(page: str) -> dict[str, str]:
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|$", page, re.MULTILINE))


def test_presets_are_those_of_the_engine() -> None:
    rows = _rows(_page("options.md"))
    assert {name.strip("`") for name in rows if name.strip("`") in PRESETS} == set(PRESETS)
    for name in ("draft", "fine"):
        size, steps = PRESETS[name]["size"], PRESETS[name]["steps"]
        assert f"{size} px, {steps} steps" in rows[f"`{name}`"]
    assert f"{PRESETS['gatys']['steps']} evaluations of L-BFGS" in rows["`gatys`"]


def test_limits_are_those_of_the_service() -> None:
    rows = _rows(_page("product.md"))
    size = SPECS["size"]
    assert rows["one request"] == f"{BODY_BYTES >> 20} MiB"
    assert rows["one picture"] == f"{PIXELS_MOST >> 20} Mi pixels, {SIDE_LEAST} px at least"
    assert rows["styles"] == str(STYLES_MOST)
    sides = f"{size.low} to {size.high} px at its longest side, {SHORTEST_SIDE} at its shortest"
    assert rows["the painting"] == sides


def test_exit_codes_are_those_of_the_command_line() -> None:
    rows = _rows(_page("cli.md"))
    assert {code: rows[str(code)] for code in ENDS} == ENDS


def test_commands_are_those_of_the_command_line() -> None:
    from bruno.cli import cli

    rows = _rows(_page("cli.md"))
    told = {name.strip("`").removeprefix("bruno ") for name in rows if name.startswith("`bruno ")}
    assert told == set(cli.commands)
