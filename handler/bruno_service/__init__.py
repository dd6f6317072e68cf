"""What any server of paintings needs, and the server that needs nothing else (`asgi`).

Each module imports only from those before it:

    limits messages fields parsing session framing reader readers pools queue description service
    bodies metrics process asgi
"""
