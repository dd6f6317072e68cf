"""Loss and gradient of a canvas: what a level is judged by, and how that is run."""
