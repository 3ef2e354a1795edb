"""The catalogue of metadata definitions that clouds have, each of its namespaces loaded once.

One YAML file a namespace lies in `image/catalogue/`. Which of them were loaded is noted by the
names of the files, so that a later start reads none of them, and undoes nothing of what an
operator has changed or deleted.
"""

from pathlib import Path

import msgspec

from cumulo.core.db.transaction import Database
from cumulo.identity.interface import FirstUsers
from cumulo.image.model.metadef import NamespaceWish
from cumulo.image.service.image import ImageService

FOLDER = Path(__file__).parents[1] / "catalogue"


def definition(file: Path) -> NamespaceWish:
    """Raises msgspec.ValidationError for a file that clients could not have sent."""
    return msgspec.yaml.decode(file.read_bytes(), type=NamespaceWish)


class FirstMetadefs:
    def __init__(self, database: Database, image: ImageService, users: FirstUsers) -> None:
        self._database = database
        self._image = image
        self._users = users

    async def make(self) -> None:
        """Load what was never loaded, in one transaction."""
        metadefs = self._image.metadefs
        loaded = await self._database.read(metadefs.loaded)
        files = sorted(file for file in FOLDER.glob("*.yaml") if file.stem not in loaded)
        if not files:
            return
        wishes = {file.stem: definition(file) for file in files}
        await self._database.write(
            lambda tx: metadefs.load(tx, wishes, self._users.operator(tx)),
            name="first run: metadata definitions",
        )
