"""What any server of paintings needs, and the server that needs nothing else (`asgi`).

Each module imports only from those before it:

    limits messages fields parsing session pools queue description service bodies metrics process
    asgi
"""
