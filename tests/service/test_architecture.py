"""Who may import whom."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import bruno_service

MODULES = [
    path for path in Path(bruno_service.__file__).parent.glob("*.py") if path.stem != "__init__"
]
ORDER = re.findall(r"\w+", str(bruno_service.__doc__).split(":\n\n")[1])


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            if node.module == "bruno_service":
                yield from (f"bruno_service.{alias.name}" for alias in node.names)


def test_the_docstring_names_every_module_once() -> None:
    assert sorted(ORDER) == sorted(path.stem for path in MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_from_those_before_it_and_knows_no_server(path: Path) -> None:
    found = [name.split(".") for name in imports(path)]
    own = {name[1] for name in found if name[0] == "bruno_service" and len(name) > 1}
    assert own <= set(ORDER[: ORDER.index(path.stem)])
    assert not {"ts", "bruno_handler"} & {name[0] for name in found}


def test_each_server_is_one_small_file_that_alone_knows_it() -> None:
    handler = Path(bruno_service.__file__).parents[1]
    known = {"bruno_handler.py": ("torchserve", 150), "asgi.py": ("starlette", 200)}
    for path in (handler / "bruno_handler.py", *MODULES):
        text = path.read_text()
        for name, (word, lines) in known.items():
            assert (word in text.lower()) is (path.name == name)
            assert path.name != name or text.count("\n") <= lines


# TorchServe brings its own, tracing and kernels of our own go without theirs.
OPTIONAL = {"ts", "opentelemetry", "triton"}
NAMES = {"PIL": "pillow", "yaml": "pyyaml", "python_multipart": "python-multipart"}


def test_the_distribution_depends_on_what_it_imports() -> None:
    root = Path(bruno_service.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    own = {"bruno_handler", "bruno_service", "painter", *sys.stdlib_module_names, *OPTIONAL}
    files = (root / "handler").rglob("*.py")
    found = {name.partition(".")[0] for path in files for name in imports(path)} - own
    assert sorted(NAMES.get(name, name) for name in found) == sorted(project["dependencies"])


# The span of a trace and the start of a server are told in the time of day.
DATED = {"tracing.py": 1, "observation.py": 1}


def test_nothing_depends_on_the_clock_of_the_day_which_may_jump() -> None:
    root = Path(bruno_service.__file__).parents[2]
    found = {
        path.name: len(re.findall(r"\btime\.time|datetime\.now|utcnow", path.read_text()))
        for folder in ("handler", "config", "client/src")
        for path in (root / folder).rglob("*.py")
    }
    assert len(found) > 100
    assert {name: count for name, count in found.items() if count} == DATED


# What runs code that was data, or brings something from elsewhere.
DANGEROUS = {"pickle", "marshal", "shelve", "dill", "requests", "httpx", "http", "urllib", "ftplib"}
CALLED = {"eval", "exec", "compile", "__import__", "os.system"}
CALLED |= {"torch.load", "np.load", "numpy.load", "yaml.load"}


@pytest.mark.parametrize("folder", ["bruno_service", "painter"])
def test_the_server_runs_no_data_as_code_and_fetches_nothing(folder: str) -> None:
    handler = Path(bruno_service.__file__).parents[1]
    paths = [handler / "bruno_handler.py", *(handler / folder).rglob("*.py")]
    for path in paths:
        assert not DANGEROUS & {name.split(".")[0] for name in imports(path)}, path
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if type(node) is ast.Call]
        assert not CALLED & {ast.unparse(call.func) for call in calls}, path
