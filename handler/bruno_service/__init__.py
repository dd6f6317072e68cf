"""What any server of paintings needs, and the server that needs nothing else (`asgi`).

In the order in which a request goes through it; each module imports only from those before it:

    limits messages fields parsing session pools queue description service bodies metrics process
    asgi
"""
