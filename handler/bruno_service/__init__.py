"""What any server of paintings needs, and the server that needs nothing else (`asgi`).

Each module imports only from those before it:

    limits messages fields parsing origin timeline session framing reader readers pools queue
    paintings description metrics tracing observation stages freed_memory service bodies draining
    process asgi
"""
