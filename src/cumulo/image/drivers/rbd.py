"""Images as RBD images of a Ceph pool, through the command `rbd` of ceph-common.

    KEY             a whole image with the protected snapshot `snap`, which others clone
    .new-KEY-N      an upload at work; it gets its snapshot, then the name
    .old-KEY-N      what an upload has replaced, and is about to be removed

`rbd export` starts at the beginning only. From elsewhere an image is read object by object (Ceph's
documented layout: PREFIX.NUMBER, 16 hex digits; what is nothing but zeros is not there), so that a
range of a large image costs what it is long.
"""

import contextlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from cumulo.core.run.commands import OUTPUT_LIMIT, CommandFailed, run
from cumulo.core.run.streams import Stream
from cumulo.core.work import pools
from cumulo.image.drivers.driver import Sums, check_id
from cumulo.image.model.content import Capabilities, Received

MIB = 1024 * 1024
SNAPSHOT = "snap"
PATIENCE = 120.0
"""Seconds for a step: a cluster that recovers answers late."""
REMOVAL_SECONDS = 900.0
_MISSING, _WRONG_STATE = 2, 22
"""What `rbd` ends with are the numbers of errno."""
_WORD = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}")
_FSID = re.compile(r"^\s*fsid\s*=\s*([0-9a-f-]{36})\s*(?:[;#].*)?$", re.MULTILINE)
_UNFINISHED = re.compile(r"\.(new|old)-(?P<key>.+)-[0-9a-f]{32}")


class RbdOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pool: str = "images"
    ceph_conf: str = "/etc/ceph/ceph.conf"
    """Names the cluster, its id and the keyring of `user`."""
    user: str = "admin"
    """Without `client.` before it."""
    chunk_mib: int = 8


class RbdImage(msgspec.Struct, frozen=True):
    """What `rbd info` says of an image. `data_pool`: where its objects are, if not beside it."""

    size: int
    object_size: int
    block_name_prefix: str
    data_pool: str = ""


class RbdDriver:
    def __init__(self, options: RbdOptions) -> None:
        for word in (options.pool, options.user):
            if not _WORD.fullmatch(word):
                raise ValueError(f"not a name of a pool or a user: {word!r}")
        if options.chunk_mib not in (1, 2, 4, 8, 16):
            raise ValueError("chunk_mib is a power of two, 16 at most")
        self.options = options
        self._fsid = _fsid_of(options.ceph_conf)
        self.live: set[str] = set()
        """Names that writers of this process are at."""
        properties: dict[str, str | int | bool] = {
            "pool": options.pool,
            "chunk_size": options.chunk_mib * MIB,
            "fsid": self._fsid,
        }
        self.capabilities = Capabilities("rbd", "rbd", properties=properties)

    # --- the contract ------------------------------------------------------------------------

    def writer(self, key: str) -> "RbdWriter":
        return RbdWriter(self, check_id(key))

    async def reader(self, key: str) -> "RbdReader":
        found = await self.call("info", *self.at(check_id(key)), "--format=json", missing=True)
        if found is None:
            raise KeyError(key)
        return RbdReader(self, key, msgspec.json.decode(found, type=RbdImage))

    async def remove(self, key: str) -> None:
        """With what interrupted uploads of the image left. Raises OSError while an upload or a
        client of Ceph has it open, or has clones of it."""
        await self.erase(check_id(key))
        for name in await self.unfinished(key):
            await self.erase(name)

    async def keys(self) -> Sequence[str]:
        found: list[str] = []
        for name in await self._names():
            with contextlib.suppress(ValueError):
                found.append(check_id(name))
        return sorted(found)

    async def forget_unfinished(self) -> int:
        """But what somebody has open: an upload of another process."""
        return await self.erase_all(await self.unfinished())

    def path(self, key: str) -> str | None:
        return None

    def url(self, key: str) -> str:
        return f"rbd://{self._fsid}/{self.options.pool}/{check_id(key)}/{SNAPSHOT}"

    # --- images of the pool ------------------------------------------------------------------

    async def unfinished(self, key: str | None = None) -> list[str]:
        """Names of what uploads (of one image) left that no writer of ours is at."""
        found: list[str] = []
        for name in await self._names():
            made = _UNFINISHED.fullmatch(name)
            if made and key in (None, made["key"]) and name not in self.live:
                found.append(name)
        return found

    async def erase(self, name: str) -> None:
        """An image and its snapshot. Nothing to do: no error."""
        at = self.at(name)
        snap = f"--snap={SNAPSHOT}"
        await self.call("snap", "unprotect", *at, snap, missing=True, fine=_WRONG_STATE)
        await self.call("snap", "rm", *at, snap, "--no-progress", missing=True)
        seconds = REMOVAL_SECONDS
        await self.call("rm", "--no-progress", *at, missing=True, seconds=seconds)

    async def erase_all(self, names: Iterable[str]) -> int:
        """How many are gone; the others are in use."""
        count = 0
        for name in names:
            with contextlib.suppress(OSError):
                await self.erase(name)
                count += 1
        return count

    async def rename(self, name: str, to: str) -> bool:
        """False: there is no such image."""
        there = (f"--dest-pool={self.options.pool}", f"--dest={to}")
        return await self.call("rename", *self.at(name), *there, missing=True) is not None

    async def _names(self) -> list[str]:
        found = await self.call("ls", f"--pool={self.options.pool}", "--format=json")
        return [str(name) for name in json.loads(found or b"[]")]

    # --- commands ----------------------------------------------------------------------------

    def at(self, name: str) -> tuple[str, str]:
        """Names follow an equals sign, so they are neither options nor specs with a pool."""
        return f"--pool={self.options.pool}", f"--image={name}"

    async def object_of(self, image: RbdImage, number: int) -> bytes:
        """One of the objects that an image is made of. Raises OSError."""
        if image.object_size > OUTPUT_LIMIT:
            raise OSError(f"{image.block_name_prefix}: not made by us, its objects are too large")
        start = number * image.object_size
        size = min(image.object_size, image.size - start)
        name = f"{image.block_name_prefix}.{number:016x}"
        pool = image.data_pool or self.options.pool
        argv = self.argv(f"--pool={pool}", "get", name, "-", command="rados")
        try:
            found = await run(argv, timeout=PATIENCE)
        except CommandFailed as error:
            if f"({_MISSING}) No such file" not in error.stderr:
                raise OSError(str(error)) from None
            found = b""
        return found[:size].ljust(size, b"\0")

    def argv(self, *words: str, command: str = "rbd") -> list[str]:
        return [command, f"--conf={self.options.ceph_conf}", f"--id={self.options.user}", *words]

    async def call(
        self,
        *words: str,
        missing: bool = False,
        fine: int | None = None,
        seconds: float = PATIENCE,
    ) -> bytes | None:
        """The output; None: what it is about is not there (with `missing`), or the command ended
        with the status `fine`. Raises OSError."""
        try:
            return await run(self.argv(*words), timeout=seconds)
        except CommandFailed as error:
            if (missing and error.status == _MISSING) or error.status == fine:
                return None
            raise OSError(str(error)) from None


class RbdWriter:
    def __init__(self, driver: RbdDriver, key: str) -> None:
        self._driver = driver
        self._key = key
        self._name = f".new-{key}-{uuid.uuid4().hex}"
        self._sums = Sums()
        self._stream: Stream | None = None
        self._made = False

    async def write(self, block: bytes) -> None:
        await pools.DISK(self._sums.add, block)
        with _as_os_errors():
            await (await self._start()).write(block)

    async def _start(self) -> Stream:
        if self._stream is None:
            driver = self._driver
            driver.live.add(self._name)
            # What a killed process left of the same image is not wanted by anybody.
            await driver.erase_all(await driver.unfinished(self._key))
            options = driver.options
            words = (
                "import",
                "--no-progress",
                "--path=-",
                f"--dest-pool={options.pool}",
                f"--dest={self._name}",
                f"--object-size={options.chunk_mib}M",
            )
            self._made = True
            self._stream = await Stream.start(driver.argv(*words), feeding=True, patience=PATIENCE)
        return self._stream

    async def share(self, descriptor: int) -> bool:
        return False

    async def finish(self) -> Received:
        with _as_os_errors():
            await (await self._start()).end()
        return self._sums.result()

    async def keep(self) -> None:
        """The snapshot comes before the name, so no image is without one. What the image replaces
        leaves its name first: RBD does not rename over another one."""
        driver = self._driver
        snap = (*driver.at(self._name), f"--snap={SNAPSHOT}")
        await driver.call("snap", "create", *snap, "--no-progress")
        await driver.call("snap", "protect", *snap)
        older = f".old-{self._key}-{uuid.uuid4().hex}"
        await driver.rename(self._key, older)
        if not await driver.rename(self._name, self._key):
            raise OSError(f"the upload of {self._key} is gone")
        await self._close()
        await driver.erase_all([older])

    async def drop(self) -> None:
        """Its end of input ends the command in good order: the cluster would keep an image for
        half a minute whose writer was killed."""
        if self._stream is not None:
            with contextlib.suppress(CommandFailed):
                await self._stream.end()
        await self._close()
        if self._made:
            with contextlib.suppress(OSError):
                await self._driver.erase(self._name)
                self._made = False

    async def _close(self) -> None:
        if self._stream is not None:
            await self._stream.kill()
            self._stream = None
        self._driver.live.discard(self._name)


class RbdReader:
    """Reads forward through one `rbd export`; from elsewhere object by object."""

    def __init__(self, driver: RbdDriver, key: str, image: RbdImage) -> None:
        self.size: int | None = image.size
        self._driver = driver
        self._key = key
        self._image = image
        self._stream: Stream | None = None
        self._at = 0
        self._object: tuple[int, bytes] = (-1, b"")

    async def read(self, offset: int, length: int) -> bytes:
        length = min(length, self._image.size - offset)
        if length <= 0:
            return b""
        if offset == 0:
            await self._open()
        if self._stream is None or offset != self._at:
            return await self._piece(offset, length)
        with _as_os_errors():
            found = bytearray()
            while len(found) < length:
                found += await self._take(length - len(found))
            return bytes(found)

    async def _piece(self, offset: int, length: int) -> bytes:
        """What one object has of it."""
        number, start = divmod(offset, self._image.object_size)
        if self._object[0] != number:
            self._object = (number, await self._driver.object_of(self._image, number))
        return self._object[1][start : start + length]

    async def _open(self) -> None:
        await self.close()
        words = ("export", "--no-progress", *self._driver.at(self._key), f"--snap={SNAPSHOT}")
        argv = self._driver.argv(*words, "--path=-")
        self._stream, self._at = await Stream.start(argv, patience=PATIENCE), 0

    async def _take(self, most: int) -> bytes:
        assert self._stream is not None
        found = await self._stream.read(most)
        if not found:
            raise OSError(f"the store ended before the end of {self._key}")
        self._at += len(found)
        return found

    def descriptor(self) -> int | None:
        return None

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.kill()


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except CommandFailed as error:
        raise OSError(str(error)) from None


def _fsid_of(ceph_conf: str) -> str:
    """The cluster's id is part of the images' URLs."""
    try:
        found = _FSID.search(Path(ceph_conf).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"ceph_conf: {error}") from None
    if found is None:
        raise ValueError(f"{ceph_conf} names no fsid")
    return found[1]
