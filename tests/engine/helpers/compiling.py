"""Compiles every fused kernel for a card that is not there, and tells which: a program of its own.

Where kernels are interpreted, as in the tests, Triton compiles none. Here a launch compiles what it
would run, with the types of its arguments, down to the card's machine code.
"""

from __future__ import annotations

import sys

import torch
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from triton.runtime.jit import JITFunction

from painter.device.fusing import Fused
from painter.engine import painter  # noqa: F401  so that all kernels are there
from painter.network.fused_convolutions import RECTIFIED

TYPES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float64: "fp64", torch.uint8: "u8"}
TYPES |= {torch.int32: "i32", torch.bool: "i1"}


def main():
    target = GPUTarget("cuda", int(sys.argv[1]), 32)
    compiled = []

    def run(kernel, *given, grid, warmup, **named):
        values = dict(zip(kernel.arg_names, given, strict=False)) | named
        constants = {p.name: values[p.name] for p in kernel.params if p.is_constexpr}
        types = {name: _type(name, value, constants) for name, value in values.items()}
        made = compile(ASTSource(kernel, types, constants), target=target)
        assert made.asm["cubin"]
        compiled.append(f"{kernel.fn.__name__} {' '.join(types.values())}")

    JITFunction.run = run
    for each in Fused.every:
        for dtype in (torch.float32, torch.bfloat16):
            if each is not RECTIFIED:
                each.operator(*next(iter(each.samples(torch.device("cpu"), dtype))))
    print("\n".join(compiled))


def _type(name, value, constants):
    if name in constants:
        return "constexpr"
    if isinstance(value, torch.Tensor):
        return "*" + TYPES[value.dtype]
    return "fp32" if isinstance(value, float) else "i32"


if __name__ == "__main__":
    main()
