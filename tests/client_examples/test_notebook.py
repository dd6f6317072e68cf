"""The notebook runs from top to bottom against the real TorchServe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "client" / "examples" / "first_painting.ipynb"
SMALL = "size, steps = 64, 30"


class CountingClient(NotebookClient):
    """Counts how often a cell has changed what it showed before."""

    updates: dict[int, int]

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == "update_display_data" and "image/png" in msg["content"]["data"]:
            self.updates[cell_index] = self.updates.get(cell_index, 0) + 1
        return super().process_message(msg, cell, cell_index)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The notebook's folder beside the pictures, as in the repository."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "client" / "examples"
    folder.mkdir(parents=True)
    return folder


def tagged(notebook: Any, tag: str) -> Any:
    (cell,) = (cell for cell in notebook.cells if tag in cell.metadata.get("tags", []))
    return cell


def test_the_notebook_paints(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUNO_URL", server.url)
    monkeypatch.setenv("BRUNO_KEY_FILE", str(server.key_file))
    monkeypatch.delenv("BRUNO_TOKEN", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    tagged(notebook, "parameters").source = SMALL
    client = CountingClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.updates = {}
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} == {"execute_result", "display_data"}
    assert sum("image/png" in output.data for output in outputs) == 7
    # The previews, and the painting itself.
    assert max(client.updates.values()) >= 3
    assert tagged(notebook, "live").outputs[-1].data["text/plain"] == "80.0"
    assert notebook.cells[-1].outputs[0].data["text/plain"] in ("'ready'", "'busy'")
    assert list(folder.iterdir()) == []


def test_the_repository_holds_no_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
