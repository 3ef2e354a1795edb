"""Images in memory: the same contract without a disk, with a capacity and faults to inject."""

from collections.abc import Sequence

from cumulo.image.drivers.driver import Capabilities, Sums, check_id
from cumulo.image.model.content import Received


class FakeWriter:
    def __init__(self, driver: "FakeDriver", image_id: str) -> None:
        self._driver = driver
        self._image_id = image_id
        self._sums = Sums()
        self._bytes = bytearray()

    async def write(self, block: bytes) -> None:
        self._driver.fail("write")
        if len(self._bytes) + len(block) > self._driver.free:
            raise OSError(28, "No space left on device")
        self._bytes += block
        self._sums.add(block)

    async def share(self, descriptor: int) -> bool:
        return False

    async def finish(self) -> Received:
        return self._sums.result()

    async def keep(self) -> None:
        self._driver.fail("keep")
        self._driver.images[self._image_id] = bytes(self._bytes)

    async def drop(self) -> None:
        self._bytes.clear()


class FakeReader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size: int | None = len(content)

    async def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        return None


class FakeDriver:
    """`faults`: effect (`write`, `keep`, `read`, `remove`) to message; it fails meanwhile."""

    def __init__(self, *, total_bytes: int = 1 << 30) -> None:
        self.images: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self._total_bytes = total_bytes
        self.capabilities = Capabilities("fake", "fake", local_files=True)

    @property
    def free(self) -> int:
        return self._total_bytes - sum(len(content) for content in self.images.values())

    def fail(self, effect: str) -> None:
        if effect in self.faults:
            raise OSError(self.faults[effect])

    def writer(self, image_id: str) -> FakeWriter:
        return FakeWriter(self, check_id(image_id))

    async def reader(self, image_id: str) -> FakeReader:
        self.fail("read")
        return FakeReader(self.images[check_id(image_id)])

    async def remove(self, image_id: str) -> None:
        self.fail("remove")
        self.images.pop(check_id(image_id), None)

    async def keys(self) -> Sequence[str]:
        return sorted(self.images)

    async def forget_unfinished(self) -> int:
        return 0

    def path(self, image_id: str) -> str | None:
        return f"/simulated/images/{check_id(image_id)}"

    def url(self, image_id: str) -> str:
        return f"fake://{check_id(image_id)}"
