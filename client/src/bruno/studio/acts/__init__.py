"""What people do on the page, and what happens then: each module has a `wire`."""

from bruno.studio.acts import arrive, dials, masks, paint, pictures, tries, views

__all__ = ["arrive", "dials", "masks", "paint", "pictures", "tries", "views"]
