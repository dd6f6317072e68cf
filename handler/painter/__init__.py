"""The engine: neural style transfer as Gatys, Ecker and Bethge defined it (CVPR 2016).

It knows neither HTTP nor TorchServe. Its rooms are packages, each of which imports only from
those before it, which is nearly the order in which data flows:

    errors       what can go wrong with a painting
    device       the machine: numbers on their way to the host, faults, memory, graphs, kernels
    network      VGG-19, there before any request
    options      a request comes in: options and pictures as bytes
    pictures     pictures are read, and written
    planning     a plan is made: sizes, levels, styles, masks
    canvas       how a canvas lies on the network's grid
    losses       what it is compared by
    optimizers   how it descends
    evaluation   loss and gradient of a canvas
    preparation  a level is prepared: its first canvas, targets of photo and styles
    painting     one painting, step by step, and what is told of it
    engine       many paintings: turns, memory, and the thread that owns the device
"""

import os

# Threads that wait for each other by spinning take the cores from whatever else runs there, and
# paintings became ten times slower beside busy processes; threads that sleep at once make them a
# third slower where nothing else runs. So they spin for some microseconds, then sleep. OpenMP
# reads this once, when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
