"""Run a program that ends when the process that started it does, however that ended.

`tied.py PARENT COMMAND…`: where the system knows no such tie, the program runs without it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """The command of the same program, tied to this process."""
    return [sys.executable, "-I", __file__, str(os.getpid()), *command]


def main() -> None:
    """Become the command of the command line, tied to the process whose number comes before it."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit("the process that started this has ended")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
