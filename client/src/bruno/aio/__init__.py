"""The same client for asyncio: only what waits for the network is written a second time."""
