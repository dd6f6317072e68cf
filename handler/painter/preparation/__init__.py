"""A level is prepared: the canvas that it starts from, and the objective that it is judged by."""
