"""What a canvas is compared by."""
