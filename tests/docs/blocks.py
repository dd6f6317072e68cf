"""The blocks of code in the documentation, and where each comes from."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted(
    [
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs/reference").glob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        ROOT / "client/README.md",
    ]
)
_FENCE: Final = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its page, its language and what stands in it."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Those of these languages on all pages; all of them without any."""
    return [
        Block(page, text[: found.start()].count("\n") + 1, found[2], textwrap.dedent(found[3]))
        for page in PAGES
        for text in [page.read_text(encoding="utf-8")]
        for found in _FENCE.finditer(text)
        if not languages or found[2] in languages
    ]


@dataclass(frozen=True)
class Command:
    """One line of a shell block."""

    block: Block
    line: str

    def __str__(self) -> str:
        return f"{self.block}: {self.line[:40]}"

    @property
    def name(self) -> str:
        """The program, without what the environment is told before it."""
        return next(word for word in self.line.split() if "=" not in word)


def commands() -> list[Command]:
    """Every line of every shell block; lines that end in a backslash go on."""
    return [
        Command(block, line.strip())
        for block in blocks("sh")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]
