"""A library of styles: seven that the client brings along, and paintings that it can fetch.

>>> from bruno import Bruno, styles
>>> styles.names()
('glass', 'ink', 'mosaic', 'pointillism', 'poster', 'swirls', 'woodcut')
>>> Bruno().paint("photo.jpg", styles.path("mosaic")).save("painting.png")

The seven were made by Bruno's own code and need no network. The paintings are in the public domain,
and lie in open collections: `fetch` brings one into a cache, once. Their addresses were not tried
when they were put together; what is fetched is looked at before it is kept.
"""

from bruno.styles.cache import fetch, folder, is_here, load, path
from bruno.styles.catalog import Style, find, library, names

__all__ = ["Style", "fetch", "find", "folder", "is_here", "library", "load", "names", "path"]
