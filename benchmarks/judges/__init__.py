"""Judges that no painter optimizes: how near a painting is to its photo, and to its style.

Each is a number of at least 0, is 0 for a picture beside itself, and is less where it is nearer.

    nearest      how far neighborhoods are from their nearest, one way and the other
    patches      raw patches: their nearest, and sliced Wasserstein
    colors       histograms of colors
    structure    how a picture resembles itself, compared with how another does
    independent  the networks of ST-LPIPS, which no painter uses
    panel        all of them for one pair of pictures
    methods      what is judged: presets with options, and others' pictures
    standard     the pairs, and what was painted and judged so far
    table        the numbers as a page
    sheets       the pictures side by side
"""
