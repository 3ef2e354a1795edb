"""What a store of blobs promises, on one device and on three with three replicas."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cumulo.core.ids import new_hex
from cumulo.object_store.drivers import files
from cumulo.object_store.drivers.files import NEW, FileBlobs
from cumulo.object_store.model.ciphers import Ciphers
from cumulo.object_store.model.ring import Device, Ring

Made = Callable[[], FileBlobs]


@pytest.fixture(params=[1, 3])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    names = [f"d{number}" for number in range(request.param)]
    ring = Ring([Device(name) for name in names], replicas=request.param)
    return lambda: FileBlobs(ring, {name: tmp_path / name for name in names})


def written(blobs: FileBlobs, content: bytes) -> str:
    blob = new_hex()
    writer = blobs.writer(blob)
    for at in range(0, len(content), 1000):
        writer.write(content[at : at + 1000])
    writer.keep()
    return blob


def read(blobs: FileBlobs, blob: str) -> bytes:
    descriptor = blobs.open(blob)
    try:
        return os.pread(descriptor, 100_000, 0)
    finally:
        os.close(descriptor)


def all_files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_kept_and_removed(made: Made, tmp_path: Path) -> None:
    blobs = made()
    blob = written(blobs, b"hello" * 1000)
    assert read(blobs, blob) == b"hello" * 1000
    assert not any(path.name.startswith(NEW) for path in all_files(tmp_path))
    blobs.remove(blob)
    blobs.remove(blob)
    with pytest.raises(FileNotFoundError):
        blobs.open(blob)
    assert all_files(tmp_path) == []


def test_dropped(made: Made, tmp_path: Path) -> None:
    writer = made().writer(new_hex())
    writer.write(b"x")
    assert all_files(tmp_path)
    writer.drop()
    writer.drop()
    assert all_files(tmp_path) == []


def test_names_are_ids_and_never_paths(made: Made) -> None:
    for name in ("../../etc/passwd", "x", "", "A" * 32, new_hex() + "/"):
        with pytest.raises(ValueError):
            made().writer(name)


def test_what_was_left_is_found_by_the_next_process(made: Made, tmp_path: Path) -> None:
    before = made()
    blob = written(before, b"x")
    before.writer(new_hex()).write(b"unfinished")
    old = time.time() - 100
    for path in all_files(tmp_path):
        os.utime(path, (old, old))
    now = made()
    young = written(now, b"of this process")
    found = [name for partition in range(now.partitions) for name in now.sweep(partition)]
    assert found == [blob]
    assert not any(path.name.startswith(NEW) for path in all_files(tmp_path))
    assert read(now, young) == b"of this process"


def test_one_of_three_devices_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["d0", "d1", "d2"]
    ring = Ring([Device(name) for name in names], replicas=3)
    blobs = FileBlobs(ring, {name: tmp_path / name for name in names})
    away: set[str] = {"d1"}
    create = files._create

    def creating(path: Path, flags: int) -> int:
        if path.relative_to(tmp_path).parts[0] in away:
            raise OSError(5, "Input/output error")
        return create(path, flags)

    monkeypatch.setattr(files, "_create", creating)
    blob = written(blobs, b"two of three")
    assert len([path for path in all_files(tmp_path) if path.name == blob]) == 2
    assert read(blobs, blob) == b"two of three"
    away.add("d2")
    writer = blobs.writer(new_hex())
    with pytest.raises(OSError):
        writer.write(b"one of three is no majority")
    writer.drop()
    assert not any(path.name.startswith(NEW) for path in all_files(tmp_path))


def test_a_lost_replica_is_read_elsewhere(tmp_path: Path) -> None:
    names = ["d0", "d1", "d2"]
    ring = Ring([Device(name) for name in names], replicas=2)
    blobs = FileBlobs(ring, {name: tmp_path / name for name in names})
    blob = written(blobs, b"x")
    first = ring.keepers(ring.partition(blob))[0].name
    next((tmp_path / first).rglob(blob)).unlink()
    assert read(blobs, blob) == b"x"


def test_what_is_encrypted_is_copied_and_held_against_its_content(tmp_path: Path) -> None:
    names = ("d0", "d1")
    ciphers = Ciphers({1: b"k" * 32}, current=1)
    ring = Ring([Device(name) for name in names])
    places = {name: tmp_path / name for name in names}
    blobs = FileBlobs(ring, places, ciphers=ciphers)
    content = os.urandom(3_000_001)
    blob = ciphers.named(new_hex())
    kept, writer = ciphers.of(blob), blobs.writer(blob)
    for at in range(0, len(content), 99_999):
        writer.write(kept(content[at : at + 99_999]))
    writer.keep()
    (holder,) = (name for name in names if (places[name] / f"{ring.partition(blob):02x}").exists())
    other = "d1" if holder == "d0" else "d0"
    md5 = hashlib.md5(content).hexdigest()
    assert blobs.digest(holder, blob) == blobs.copy(blob, holder, other) == (len(content), md5)
    assert blobs.found(ring.partition(blob))[blob].keys() == set(names)
    for path in all_files(tmp_path):
        assert content[:64] not in path.read_bytes() and path.stat().st_size == len(content)
    assert blobs.sweep(ring.partition(blob)) == []
    with pytest.raises(OSError, match="key 01 is not here"):
        FileBlobs(ring, places).digest(holder, blob)


@pytest.mark.parametrize("start", [0, 1, 15, 16, 17, 4095, 100_000])
def test_any_range_is_read_back(start: int) -> None:
    ciphers = Ciphers({1: b"k" * 32, 2: b"l" * 32}, current=2)
    blob = ciphers.named(new_hex())
    content = os.urandom(200_000)
    kept = ciphers.of(blob)(content)
    assert ciphers.of(blob, start)(kept[start:]) == content[start:]
    assert ciphers.of(f"{blob[:-2]}01")(kept) != content
    other = ciphers.named(new_hex())
    assert ciphers.of(other)(content) != kept
    plain = Ciphers().named(new_hex())
    assert ciphers.of(plain, start)(content) == content
