"""Keys and policies are the same on all control nodes, whoever changes them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cumulo import wiring
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.db import migrations
from cumulo.core.db.postgresql import PostgresqlDatabase
from cumulo.core.nodes.shared import Shared, WrongMaster, unpack

RING = Path("secrets/token-keys")


@contextmanager
def shared(folder: Path, dsn: str) -> Iterator[Shared]:
    wiring.assemblies()
    database = PostgresqlDatabase(dsn, threads=1)
    wiring.assemblies()  # All tables are declared.
    migrations.prepare(database)
    made = Shared(folder, database)
    try:
        yield made
    finally:
        made.close()
        database.close()


def files(folder: Path) -> dict[str, bytes]:
    own = ("master.key",)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in own
    }


def test_rings_and_policies(tmp_path: Path, postgresql_dsn: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    ring = KeyRing(one / RING)
    (one / "secrets" / "ticket-key").write_bytes(b"t" * 32)
    (one / "policy").mkdir()
    (one / "policy" / "compute.yaml").write_text("a: b\n")
    os.utime(one / "policy" / "compute.yaml", (1_000_000_000, 1_000_000_000))
    with shared(one, postgresql_dsn) as here, shared(two, postgresql_dsn) as there:
        unpack(two, here.bundle())
        there.alike()
        assert files(one) == files(two)
        sealed = ring.encrypt("secret")
        other = KeyRing(two / RING)
        assert other.decrypt(sealed) == "secret"
        # A rotation here is one over there.
        ring.rotate(keep=2)
        ring.rotate(keep=2)
        here.alike()
        there.alike()
        assert files(one) == files(two)
        assert len(list((two / RING).iterdir())) == 2
        assert other.decrypt(ring.encrypt("new")) == "new"
        other.rotate(keep=2)
        there.alike()
        here.alike()
        assert files(one) == files(two)
        # The newer policy counts, and its removal, too.
        (two / "policy" / "compute.yaml").write_text("a: c\n")
        there.alike()
        here.alike()
        assert (one / "policy" / "compute.yaml").read_text() == "a: c\n"
        (one / "policy" / "compute.yaml").unlink()
        here.alike()
        there.alike()
        assert not (two / "policy" / "compute.yaml").exists()
        assert not (one / "policy" / "compute.yaml").exists()
        (two / "policy" / "compute.yaml").write_text("a: d\n")
        there.alike()
        here.alike()
        assert files(one) == files(two)


def test_the_database_alone_tells_nothing(tmp_path: Path, postgresql_dsn: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    KeyRing(one / RING)
    with shared(one, postgresql_dsn) as here:
        here.alike()
    with psycopg.connect(postgresql_dsn) as connection:
        [row] = connection.execute("SELECT sealed FROM cloud_secrets").fetchall()
        assert next((one / RING).iterdir()).read_bytes() not in row[0].encode()
    with shared(two, postgresql_dsn) as there:
        with pytest.raises(WrongMaster):
            there.alike()
        # Who takes the cloud over without its secrets begins with new ones.
        KeyRing(two / RING)
        there.take_over()
        there.alike()


@pytest.mark.parametrize(
    "name", ["secrets/../x", "/etc/passwd", "secrets", "other/x", "secrets/a/b/c", "policy/.x"]
)
def test_what_no_cloud_sends_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a file called"):
        unpack(tmp_path, {"secrets/fine": b"x", name: b"x"})
    assert list(tmp_path.iterdir()) == []
