"""What was measured, in one file that is written anew after each measurement."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any, Final

RESULTS: Final = "results.json"
FAILURES: Final = "failures.txt"


class Store:
    """The results of one run in a folder: `about` it, and its sections by their names.

    A section has what was `found`, its `failures` and what was `left_out` with a reason in one
    line each, and its `seconds` once it is done. `running` names the section and the measurement
    under way: whoever finds them there after the process has ended knows what ended it.
    """

    PREPARATION: Final = "its preparation"

    def __init__(self, folder: Path, run: str = "") -> None:
        self.folder = folder
        self._path = folder / RESULTS
        if run:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FAILURES).unlink(missing_ok=True)
            self.results: dict[str, Any] = {"run": run, "about": {}, "sections": {}, "running": []}
            self.save()
        else:
            self.results = json.loads(self._path.read_text())

    @property
    def sections(self) -> dict[str, Any]:
        """What was found, by sections."""
        sections: dict[str, Any] = self.results["sections"]
        return sections

    def save(self) -> None:
        """Writes all of it, whole or not at all."""
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self.results, indent=1))
        os.replace(partial, self._path)

    def begin(self, section: str) -> dict[str, Any]:
        """Makes room for a section that begins, or goes on in a new process."""
        empty: dict[str, Any] = {"found": {}, "failures": {}, "left_out": {}, "seconds": None}
        self.run_on(section, self.PREPARATION)
        found: dict[str, Any] = self.sections.setdefault(section, empty)
        self.save()
        return found

    def run_on(self, section: str, what: str) -> None:
        """Says what is measured now."""
        self.results["running"] = [section, what]
        self.save()

    def end(self, section: str, seconds: float) -> None:
        """Says that a section is done."""
        self.sections[section]["seconds"] = round(seconds, 1)
        self.results["running"] = []
        self.save()

    def fail(self, section: str, what: str, error: BaseException | str) -> None:
        """Keeps why something could not be measured: a line here, the traceback in a file."""
        self.sections[section]["failures"][what] = one_line(error)
        if isinstance(error, BaseException):
            with (self.folder / FAILURES).open("a") as file:
                file.write(f"{section}, {what}\n{''.join(traceback.format_exception(error))}\n")
        self.save()


def one_line(error: BaseException | str) -> str:
    """An exception in one line: the first of its message, and its type where that tells more."""
    if isinstance(error, str):
        return error
    lines = str(error).strip().splitlines() or ["no reason was given"]
    return f"{type(error).__name__}: {lines[0]}"
