"""What any server of paintings needs; it knows no server, and the engine knows nothing of it.

In the order in which a request goes through it; each module imports only from those before it:

    limits messages fields parsing session pools queue description service
    bodies metrics process asgi
"""
