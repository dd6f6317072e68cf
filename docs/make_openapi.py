"""Make openapi.yaml of its parts in docs/api and of what the service knows about its options.

`--check` says whether the file is what would be made, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from bruno_service.limits import BODY_BYTES
from openapi_options import as_text, schemas
from painter.losses.catalog import JOINT_LOSSES
from painter.options.catalog import SHORTEST_SIDE, SPECS
from painter.pictures.decoding import PIXELS_MOST, SIDE_LEAST
from painter.version import VERSION

PARTS: Final = Path(__file__).parent / "api"
TARGET: Final = Path(__file__).parent / "openapi.yaml"
EVENTS: Final = {
    "waiting": "Waiting",
    "accepted": "Accepted",
    "progress": "Progress",
    "preview": "Preview",
    "painting": "Painting",
    "error": "Problem",
}
NUMBERS: Final = {
    "body_mib": BODY_BYTES >> 20,
    "pixels_mi": PIXELS_MOST >> 20,
    "side_least": SIDE_LEAST,
    "shortest_side": SHORTEST_SIDE,
    "size_most": SPECS["size"].high,
    "joint_losses": list(JOINT_LOSSES),
}
HEAD: Final = (
    "# Made by docs/make_openapi.py (`make fix`): edit docs/api or the options instead.\n---\n"
)

Document = dict[str, Any]


def document() -> Document:
    """The whole document, as JSON values."""
    whole = _part("service")
    whole["info"]["version"] = VERSION
    for name in ("responses", "problems", "events"):
        for kind, components in _part(name)["components"].items():
            whole["components"].setdefault(kind, {}).update(components)
    for name, data in EVENTS.items():
        whole["components"]["schemas"][f"{name.capitalize()}Event"] = _event(name, data)
    whole["components"]["schemas"].update(schemas())
    return whole


def as_yaml(whole: Mapping[str, Any]) -> str:
    """The document as text, the same for the same document."""
    text = yaml.dump(
        whole,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=88,
        default_flow_style=None,
    )
    return HEAD + text


class _Dumper(yaml.SafeDumper):
    """Writes YAML as people do: no anchors, words in a line, long texts in blocks."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def represent_mapping(
        self, tag: str, mapping: Any, flow_style: bool | None = None
    ) -> yaml.MappingNode:
        return super().represent_mapping(tag, mapping, flow_style=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _part(name: str) -> Document:
    text = (PARTS / f"{name}.yaml").read_text(encoding="utf-8")
    # References begin with a dollar, too, and are left alone.
    part: Document = yaml.safe_load(Template(text).safe_substitute(NUMBERS))
    return part


def _event(name: str, data: str) -> Document:
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {"event": {"const": name}, "data": as_text(data)},
    }


def main() -> int:
    """Run from the command line; 1 where the file is not what would be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--target", type=Path, default=TARGET, help="the file to write")
    asked = parser.parse_args()
    text = as_yaml(document())
    if not asked.check:
        asked.target.write_text(text, encoding="utf-8")
        return 0
    if asked.target.is_file() and asked.target.read_text(encoding="utf-8") == text:
        return 0
    print(f"{asked.target} is not what the service does now: run `make fix`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
