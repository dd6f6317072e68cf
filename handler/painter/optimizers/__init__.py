"""How a canvas descends."""
