"""The engine: neural style transfer as Gatys, Ecker and Bethge defined it (CVPR 2016).

It knows neither HTTP nor TorchServe. Read it in this order; each module imports only from
those before it:

    errors options request weights vgg losses color phases masks pyramid tiles optimizers
    objective passes samples images styles sources plan levels descent progress record job
    memory painting scheduler
"""
