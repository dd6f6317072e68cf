"""Pictures are read and written: bytes become sRGB tensors, and tensors files."""
