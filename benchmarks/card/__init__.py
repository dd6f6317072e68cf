"""What a card does with the engine: the sections of benchmarks/gpu.py.

`wheels`, `settings`, `store` and `goals` need the standard library alone, for the command that
watches over the process that measures (`worker`). `engine` is all that is asked of the engine,
and `device`, `graphs`, `counting` and `profiles` all that is asked of torch beside tensors.
"""
