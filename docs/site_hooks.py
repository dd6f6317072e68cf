"""What the site takes from outside docs/: documents of the repository's root, and examples."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENTS: Final = {"DESIGN.md": "design.md", "CHANGELOG.md": "changelog.md"}
PICTURES: Final = ("photo.jpg", "style.png", "style_geometric.png")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds them to the site's files; links from the root become links from docs/."""
    for source, page in DOCUMENTS.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for name in PICTURES:
        path = str(ROOT / "examples" / name)
        files.append(File.generated(config, f"examples/{name}", abs_src_path=path))
    return files
