"""The engine: neural style transfer as Gatys, Ecker and Bethge defined it (CVPR 2016).

It knows neither HTTP nor TorchServe. Read it in this order; each module imports only from
those before it:

    errors faults options request weights winograd vgg roots losses color phases masks pyramid
    shrinking tiles readings curvature optimizers objective passes replay graphs lanes samples
    images styles sources plan outline levels descent progress record snapshots job memory ledger
    painting scheduler engine
"""

import os

# Threads that wait for each other by spinning take the cores from whatever else runs there, and
# paintings became ten times slower beside busy processes; threads that sleep at once make them a
# third slower where nothing else runs. So they spin for some microseconds, then sleep. OpenMP
# reads this once, when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
