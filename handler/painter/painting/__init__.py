"""One painting: its steps, and what can be told of it on the way and at its end."""
