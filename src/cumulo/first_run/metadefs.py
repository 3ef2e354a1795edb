"""The catalogue of metadata definitions that clouds have, each of its namespaces loaded once.

One YAML file a namespace lies in `image/catalogue/`. Which of them were loaded is noted by the
names of the files, so that a later start reads none of them, and undoes nothing of what an
operator has changed or deleted.
"""

from pathlib import Path

import msgspec

from cumulo import image
from cumulo.first_run.accounts import operator
from cumulo.image.model.metadef import NamespaceWish
from cumulo.wiring import Cloud

FOLDER = Path(image.__file__).parent / "catalogue"


def definition(file: Path) -> NamespaceWish:
    """Raises msgspec.ValidationError for a file that clients could not have sent."""
    return msgspec.yaml.decode(file.read_bytes(), type=NamespaceWish)


async def make(cloud: Cloud) -> None:
    """Load what was never loaded, in one transaction."""
    metadefs = cloud.services.image.metadefs
    loaded = await cloud.database.read(metadefs.loaded)
    files = sorted(file for file in FOLDER.glob("*.yaml") if file.stem not in loaded)
    if not files:
        return
    wishes = {file.stem: definition(file) for file in files}
    await cloud.database.write(
        lambda tx: metadefs.load(tx, wishes, operator(tx, cloud)),
        name="first run: metadata definitions",
    )
