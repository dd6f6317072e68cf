"""The machine: what waits for it, what its faults mean, and what it replays."""
