"""VGG-19, there before any request: its weights, and fast ways through its convolutions."""
