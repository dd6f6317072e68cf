"""Who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import painter

ROOT = Path(__file__).parents[2]
ENGINE = Path(painter.__file__).parent
# What every module may know, and the one module that no other imports.
ANYWHERE = {"version"}
PROGRAM = "__main__"
MODULES = sorted(ENGINE.rglob("*.py"))


def _rooms():
    """The packages and modules of the engine, in the order that its docstring tells them in."""
    return re.findall(r"^ {4}(\w+) {2,}\S", painter.__doc__, re.MULTILINE)


def _room(path):
    """The package or module of the engine that a file belongs to."""
    return Path(path.relative_to(ENGINE).parts[0]).stem


def _name(path):
    return path.relative_to(ENGINE).as_posix()


def _imports(path):
    """The modules a file imports, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module
            if node.module == "painter":
                yield from (f"painter.{alias.name}" for alias in node.names)


def _rooms_used(path):
    return {name.split(".")[1] for name in _imports(path) if name.startswith("painter.")}


def test_the_docstring_names_every_room_once():
    found = {_room(path) for path in MODULES} - {"__init__", PROGRAM} - ANYWHERE
    assert sorted(_rooms()) == sorted(found)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_imports_only_from_its_room_and_those_before_it(path):
    rooms, room = _rooms(), _room(path)
    if room == PROGRAM:
        return
    before = set(rooms[: rooms.index(room) + 1] if room in rooms else ()) | ANYWHERE
    assert _rooms_used(path) <= before


@pytest.mark.parametrize("room", _rooms())
def test_the_modules_of_a_room_import_each_other_in_one_direction(room):
    uses = {
        f"painter.{room}.{path.stem}": set(_imports(path))
        for path in MODULES
        if path.parent == ENGINE / room
    }
    order = TopologicalSorter(uses)
    order.prepare()  # raises where there is a cycle


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_the_engine_knows_no_server(path):
    handler = {module.stem for module in (ROOT / "handler").glob("*.py")}
    config = {module.stem for module in (ROOT / "config").glob("*.py")}
    foreign = {"ts", "http", "requests", "socket", "bruno", "bruno_service", *handler, *config}
    assert not foreign & {name.split(".")[0] for name in _imports(path)}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "client" / "src").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_client_knows_nothing_of_the_engine(path):
    handler = {module.stem for module in (ROOT / "handler").glob("*.py")}
    foreign = {"painter", "torch", "torchvision", "ts", "bruno_service", *handler}
    assert not foreign & {name.split(".")[0] for name in _imports(path)}


def test_the_protocol_of_the_client_knows_no_network():
    files = sorted((ROOT / "client" / "src" / "bruno" / "protocol").glob("*.py"))
    used = {name.split(".")[0] for path in files for name in _imports(path)}
    assert not used & {"asyncio", "httpx2", "requests", "socket", "urllib"}
    assert "bruno" in used


def test_there_is_a_client_to_look_at():
    assert len(list((ROOT / "client" / "src").rglob("*.py"))) > 3


def test_the_tests_have_the_rooms_of_the_engine():
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/test_*.py")}
    assert folders == {path.parent.name for path in ENGINE.glob("*/__init__.py")}


def _map():
    """The paths of DESIGN's map, each below the last one that is less indented."""
    block = (ROOT / "DESIGN.md").read_text().partition("## The map\n")[2].partition("\n## ")[0]
    paths, above = [], []
    for line in re.findall(r"^    .*$", block, re.MULTILINE):
        depth, name = (len(line) - len(line.lstrip()) - 4) // 2, line.split()[0]
        above[depth:] = [name]
        paths.append("/".join(above))
    return paths


def _tracked():
    command = ["git", "-C", str(ROOT), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.splitlines() if not path.startswith(".")]


@pytest.mark.parametrize("path", _map())
def test_what_is_on_the_map_is_there_and_told(path):
    assert (ROOT / path).exists()


def test_every_room_is_on_the_map():
    files = _tracked()
    folders = {path.partition("/")[0] for path in files if "/" in path}
    for inside in ("handler", "handler/painter", "client/src/bruno"):
        found = [path[len(inside) + 1 :] for path in files if path.startswith(f"{inside}/")]
        folders |= {f"{inside}/{path.partition('/')[0]}" for path in found if "/" in path}
    assert folders - {"client/src"} <= {*_map(), "client/src/bruno"}


def test_the_map_has_the_engine_in_the_order_of_its_docstring():
    rooms = [path.split("/")[2].removesuffix(".py") for path in _map() if "painter/" in path]
    assert rooms == [*_rooms(), PROGRAM]
