"""Images as files.

FOLDER/ID          a whole image, read-only
FOLDER/.new-ID-N   an upload at work: flushed to the disk, then renamed
FOLDER/.work-…     a file that is being made of another one
"""

import time
from collections.abc import Sequence
from pathlib import Path

from cumulo.core.blobs import files
from cumulo.core.blobs.files import FileReader, FileWriter
from cumulo.core.work import pools
from cumulo.image.drivers.driver import Capabilities, Sums, check_id
from cumulo.image.model.content import Received


class FileDriver:
    """Images in a folder. `open_to_guests`: their QEMU, another user, opens files there."""

    def __init__(self, folder: Path, *, open_to_guests: bool = True) -> None:
        self._folder = folder
        self._born = time.time()
        self._folder.mkdir(parents=True, exist_ok=True)
        # Guests' QEMU passes through to an image whose name it was told; it cannot list them.
        self._folder.chmod(0o711 if open_to_guests else 0o700)
        self.capabilities = Capabilities(
            "file", "file", local_files=True, properties={"datadir": str(folder)}
        )

    def writer(self, image_id: str) -> FileWriter[Received]:
        # Guests' QEMU reads images as another user.
        return FileWriter(self._folder / check_id(image_id), Sums(), mode=0o444)

    async def reader(self, image_id: str) -> FileReader:
        try:
            return await FileReader.open(self._folder / check_id(image_id))
        except FileNotFoundError:
            raise KeyError(image_id) from None

    async def remove(self, image_id: str) -> None:
        path = self._folder / check_id(image_id)
        await pools.DISK(path.unlink, missing_ok=True)

    async def keys(self) -> Sequence[str]:
        return sorted(await pools.DISK(lambda: list(files.names(self._folder))))

    async def forget_unfinished(self) -> int:
        return await pools.DISK(files.forget_unfinished, self._folder, before=self._born)

    def path(self, image_id: str) -> str | None:
        return str(self._folder / check_id(image_id))

    def url(self, image_id: str) -> str:
        return f"file://{self._folder / check_id(image_id)}"
