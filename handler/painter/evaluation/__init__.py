"""Loss and gradient of a canvas beside an objective: whole, shared, in tiles or replayed."""
