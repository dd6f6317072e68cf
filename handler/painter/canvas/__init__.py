"""How a canvas lies on the network's grid: margin, shifts, tiles, masks, smaller copies."""
