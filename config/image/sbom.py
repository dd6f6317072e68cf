"""List what is installed here, Debian's packages and Python's, as a CycloneDX bill of materials."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

VERSION = "1.6"
QUERY = "${Package}\t${Version}\t${Architecture}\n"


def bill(components: list[dict[str, Any]]) -> dict[str, Any]:
    """The document; its serial number follows from what is in it, so that it is reproducible."""
    listed = sorted(components, key=lambda component: str(component["purl"]))
    digest = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(listed, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": digest.urn,
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "bruno", "bom-ref": "bruno"}},
        "components": listed,
    }


def wheels() -> Iterator[dict[str, Any]]:
    """Python's packages, each once."""
    found = {each.name.lower().replace("_", "-"): each for each in distributions()}
    for name, each in found.items():
        yield _component(f"pkg:pypi/{name}@{quote(each.version)}", name, each.version) | (
            _licenses(each)
        )


def debs() -> Iterator[dict[str, Any]]:
    """Debian's packages, none where this is no Debian."""
    if not shutil.which("dpkg-query"):
        return
    told = subprocess.check_output(["dpkg-query", "-W", f"-f={QUERY}"], text=True)  # noqa: S603, S607
    for line in told.splitlines():
        name, version, architecture = line.split("\t")
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
        yield _component(purl, name, version)


def weights(archive: Path) -> Iterator[dict[str, Any]]:
    """The archive that is served, where there is one."""
    if archive.is_file():
        import hashlib

        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        yield {
            "type": "machine-learning-model",
            "bom-ref": archive.name,
            "name": archive.name,
            "purl": f"pkg:generic/{archive.name}?checksum=sha256:{digest}",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }


def _component(purl: str, name: str, version: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": version}


def _licenses(package: Distribution) -> dict[str, Any]:
    expression = package.metadata.json.get("license_expression")
    return {"licenses": [{"expression": expression}]} if expression else {}


def main() -> int:
    """Run from the command line; the bill goes to the standard output."""
    parts = [*debs(), *wheels(), *weights(Path("model_store/bruno.mar"))]
    json.dump(bill(parts), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
