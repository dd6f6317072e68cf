"""The table of threats names tests that there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from blocks import ROOT

PAGE = ROOT / "docs" / "security.md"


def rows() -> list[str]:
    """The lines of the table of threats."""
    table = PAGE.read_text().split("## Threats")[1].split("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def named(row: str) -> Iterator[tuple[str, str]]:
    """The tests of a line, each as its file and its name."""
    path = ""
    for file, name in re.findall(r"`(tests/[\w/.]+)?::(\w+)`", row):
        path = file or path
        yield path, name


def test_each_threat_has_a_test_that_is_there() -> None:
    assert len(rows()) >= 12
    for row in rows():
        tests = list(named(row))
        assert tests, row
        for path, name in tests:
            defined = ast.parse((ROOT / path).read_text()).body
            assert name in {node.name for node in defined if isinstance(node, ast.FunctionDef)}
