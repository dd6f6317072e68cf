"""A request comes in: every option with its bounds, and the pictures beside them."""
