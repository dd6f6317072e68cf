"""A plan is made: sizes, levels, styles and masks, from pictures or their headers alone."""
