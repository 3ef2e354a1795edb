"""What templates can ask of image: names of images become ids."""

from cumulo.core.resource_types import Finder

FINDERS = (Finder("image", "/image/v2/images", "image", "glance.image", bare=True),)
