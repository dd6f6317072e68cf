"""What is said to a server, and what its answers mean; nothing here knows a network.

servers problems   what is peculiar to servers, and the errors that their problems mean
request            the form of a painting
exchange states    any request and its answer, and the state of a server that an answer tells
sse                events out of the bytes of a stream
retries course     when a painting is tried again and from where, and all of its way
live_state         a painting whose options change
"""
