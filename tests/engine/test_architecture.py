"""Who may import whom."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import painter

ROOT = Path(__file__).parents[2]
ENGINE = Path(painter.__file__).parent
# Names every module may know, and the one module that no other imports.
ANYWHERE = {"version"}
PROGRAM = "__main__"


def _order():
    """The modules in the order that the package's docstring tells them in."""
    block = painter.__doc__.split(":\n\n")[1]
    return re.findall(r"\w+", block)


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


def _engine_modules(path):
    return {name.split(".")[1] for name in _imports(path) if name.startswith("painter.")}


def test_the_docstring_names_every_module_once():
    order = _order()
    found = {path.stem for path in ENGINE.glob("*.py")} - {"__init__", PROGRAM} - ANYWHERE
    assert sorted(order) == sorted(found)


@pytest.mark.parametrize("module", _order())
def test_a_module_imports_only_from_those_before_it(module):
    order = _order()
    before = set(order[: order.index(module)]) | ANYWHERE
    assert _engine_modules(ENGINE / f"{module}.py") <= before


@pytest.mark.parametrize("path", sorted(ENGINE.glob("*.py")), ids=lambda path: path.stem)
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


def test_there_is_a_client_to_look_at():
    assert len(list((ROOT / "client" / "src").rglob("*.py"))) > 3
