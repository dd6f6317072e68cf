"""How a fleet scales: a model of it, a real run that checks the model, and what it answers.

server arrivals model autoscaler real plots study
"""
