"""Helpers of these tests are modules in a folder beside them."""

import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

# Pictures of 64 px gain nothing from threads, and lose much where others use the cores.
torch.set_num_threads(1)

# Without a card fused kernels are interpreted. Triton reads this once, when it is loaded.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
