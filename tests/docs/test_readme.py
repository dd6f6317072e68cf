"""The README: its table is that of the options, its blocks run, its pictures are there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from painter.options.catalog import describe_options

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [block for language, block in BLOCKS if language == "sh"]


def option_table() -> str:
    """The README's table of options, as painter.options.catalog has it."""
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
    told = re.search(r"<!-- options:.*?-->\n(.*?)\n<!-- /options -->", README, re.DOTALL)
    assert told[1] == option_table()


@pytest.mark.parametrize("name", ["results", "results-float32"])
def test_the_speeds_are_those_that_were_measured(name):
    told = re.search(rf"<!-- {name}:.*?-->\n(.*?)\n<!-- /{name} -->", README, re.DOTALL)
    measured = (ROOT / f"benchmarks/{name.replace('results', 'RESULTS')}.md").read_text()
    assert len(told[1].splitlines()) > 3
    assert set(told[1].splitlines()) <= set(measured.splitlines())


def test_the_pictures_are_there_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        path = ROOT / picture
        assert path.stat().st_size < 600_000
        with Image.open(path) as image:
            image.load()


def test_the_links_lead_somewhere():
    for target in re.findall(r"\]\(([^):#]+)\)", README):
        assert (ROOT / target).exists(), target


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
    with Image.open(folder / "painting.png") as painting:
        assert "bruno" in painting.text
        return painting.size


def test_the_lines_of_the_sdk_paint(place):
    (block,) = [block for language, block in BLOCKS if language == "python"]
    assert len(block.strip().splitlines()) <= 5
    assert _run([sys.executable, "-c", block], place) == (256, 171)


@pytest.mark.parametrize("start", ["curl", "bruno paint", "python"])
def test_the_commands_that_paint(start, place):
    (command,) = [block.strip() for block in COMMANDS if block.startswith(start)]
    _, environment = place
    command = command.replace("http://127.0.0.1:8080", environment["BRUNO_URL"])
    # The one line that paints at full size does so in a draft here.
    command = command.replace(" -o painting", " -F preset=draft -o painting", start == "curl")
    assert max(_run(["bash", "-c", command], place)) == 256


@pytest.mark.parametrize("target", ["serve", "test"])
def test_the_two_commands_are_targets_of_make(target):
    assert f"make {target}\n" in COMMANDS
    subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, timeout=60
    )
