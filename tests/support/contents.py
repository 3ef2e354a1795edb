"""Content for hosts under test: files of a folder, by the image's id."""

from pathlib import Path

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.files import FileReader
from cumulo.core.blobs.shelf import Shelf
from cumulo.core.blobs.streams import Reader


class Store:
    """`away`: what is said of all that is asked for, until it is empty."""

    def __init__(self, folder: Path, *, away: str = "") -> None:
        self.folder = folder
        self.away = away
        self.opened: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, id: str, content: bytes) -> None:
        (self.folder / id).write_bytes(content)

    async def open(self, content: Content) -> Reader:
        self.opened.append(content.id)
        if self.away:
            raise OSError(self.away)
        try:
            return await FileReader.open(self.folder / content.id)
        except FileNotFoundError:
            raise Missing(content.id) from None


def shelf_at(folder: Path, store: Store | None = None) -> Shelf:
    return Shelf(folder / "cache", lambda: store)
