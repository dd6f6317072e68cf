"""docs/openapi.yaml is valid, is what would be made, and names what the code knows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from bruno_service import messages
from make_openapi import PARTS, TARGET, as_yaml, document
from painter import errors
from painter.options.catalog import SPECS, Options
from painter.options.presets import PRESETS

from .conftest import Contract

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "config" / "gateway" / "haproxy.cfg"


def test_it_is_valid(contract: Contract) -> None:
    OpenAPIV31SpecValidator(contract.whole).validate()


def test_it_is_what_would_be_made() -> None:
    assert TARGET.read_text() == as_yaml(document())


def test_check_tells_a_file_that_is_not_up_to_date(tmp_path: Path) -> None:
    program = [sys.executable, ROOT / "docs" / "make_openapi.py", "--target", tmp_path / "file"]
    done = subprocess.run([*program, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run `make fix`" in done.stderr
    assert not (tmp_path / "file").exists()
    subprocess.run(program, check=True)
    subprocess.run([*program, "--check"], check=True)


def test_no_placeholder_is_left() -> None:
    parts = "".join(part.read_text() for part in PARTS.iterdir())
    assert {"$ref", "$body_mib"} < set(re.findall(r"\$[a-z_]+", parts))
    assert set(re.findall(r"\$[a-z_]+", TARGET.read_text())) == {"$ref"}


@pytest.mark.parametrize("name", ["Options", "ResolvedOptions", "PaintForm", "PaintBody"])
def test_every_option_is_in_it(contract: Contract, name: str) -> None:
    fields = contract.whole["components"]["schemas"][name]["properties"]
    assert [field for field in fields if field in SPECS] == list(SPECS)


def test_defaults_and_presets_are_as_it_says(contract: Contract) -> None:
    contract.check(Options().as_json(), "Options")
    contract.check(Options().as_json(), "ResolvedOptions")
    for preset in PRESETS.values():
        contract.check(preset, "Options")


def codes_in(path: Path) -> set[str]:
    """The codes that a module gives to its errors: words where the class is called."""
    both = vars(errors) | vars(messages)
    kinds = {name for name, kind in both.items() if isinstance(kind, type)}
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    words: list[Any] = [
        argument.value
        for call in calls
        if isinstance(call.func, ast.Name | ast.Attribute) and _called(call.func) in kinds
        for argument in call.args[:1]
        if isinstance(argument, ast.Constant)
    ]
    return {word for word in words if word.replace("_", "").isalpha()}


def _called(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def test_every_problem_of_the_gateway_is_in_it(contract: Contract) -> None:
    problems = [
        json.loads(re.sub(r"%\[[^\]]+\]|%ID", "1", line))
        for line in re.findall(r"string '(\{\"type\".*?\})'", GATEWAY.read_text())
    ]
    assert len(problems) > 10
    for problem in problems:
        contract.check(problem, "Problem")
        statuses = contract.whole["paths"]["/predictions/bruno"]["post"]["responses"]
        assert str(problem["status"]) in statuses or problem["code"] == "not_found"


def test_every_code_is_in_it(contract: Contract) -> None:
    used = set().union(*(codes_in(path) for path in (ROOT / "handler").rglob("*.py")))
    used |= {"too_many", "unavailable"} & set(re.findall(r'"code":"(\w+)"', GATEWAY.read_text()))
    told = {
        code["const"] for code in contract.whole["components"]["schemas"]["ProblemCode"]["oneOf"]
    }
    # These are written where their classes are.
    named = {"full", "interrupted", "not_found", "short_of_memory", "unauthorized"}
    assert told - named == used
