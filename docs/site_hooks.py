"""What the site takes from outside docs/: documents of the repository's root, and pictures."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENTS: Final = {"DESIGN.md": "design.md", "CHANGELOG.md": "changelog.md"}
PICTURES: Final = {"examples": ROOT / "examples", "library": ROOT / "client/src/bruno/styles"}
SUFFIXES: Final = (".jpg", ".png", ".webp")
# How a page links to them, so that its links hold in the repository, and where they are here.
MOVED: Final = {
    **{f"](../{source}": f"]({page}" for source, page in DOCUMENTS.items()},
    **{f"](../{folder.relative_to(ROOT)}/": f"]({name}/" for name, folder in PICTURES.items()},
}
LABELED: Final = re.compile(
    r"^\*\*([^\n*]+):\*\*\n\n(```.*?^```$|(?:[^\n]+\n)+)", re.MULTILINE | re.DOTALL
)
PROGRAM: Final = re.compile(r"^- \[(\S+)\]\(\.\./(client/examples/\S+)\)\n", re.MULTILINE)
LINK: Final = re.compile(r"^\[.+\]\(\S+\.md\)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds them to the site's files; links from the root become links from docs/."""
    for source, page in DOCUMENTS.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for name, folder in PICTURES.items():
        for picture in sorted(folder.iterdir()):
            if picture.suffix in SUFFIXES:
                place = f"{name}/{picture.name}"
                files.append(File.generated(config, place, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns what reads well in the repository into what the site has for it.

    Blocks that have a bold label become tabs, programs in a list their text, links alone on a line
    of the first page buttons; links to what is outside docs/ lead to where the site has it.
    """
    markdown = LABELED.sub(_as_tab, PROGRAM.sub(_as_text, markdown))
    if page.file.src_uri == "index.md":
        markdown = LINK.sub(r"\g<0>{ .md-button }", markdown)
    for there, here in MOVED.items():
        markdown = markdown.replace(there, here)
    return markdown


def _as_tab(found: re.Match[str]) -> str:
    return f'=== "{found[1]}"\n\n{textwrap.indent(found[2], "    ")}'


def _as_text(found: re.Match[str]) -> str:
    name, path = found.groups()
    text = f'``` {{ .{Path(path).suffix[1:]} }}\n--8<-- "{path}"\n```\n'
    return f'??? example "{name}"\n\n{textwrap.indent(text, "    ")}\n'
