"""Image as a whole: its nouns, and what the other services ask of it."""

from cumulo.core.db.transaction import Database
from cumulo.image.model.content import ImageBytes
from cumulo.image.service.images import Images
from cumulo.image.service.members import Members
from cumulo.image.service.uploads import Uploads


class ImageService:
    """`images` implements `image.interface.Images`."""

    def __init__(self, database: Database, content: ImageBytes) -> None:
        self.content = content
        self.images = Images(content)
        self.members = Members()
        self.uploads = Uploads(database, self.images, content)
