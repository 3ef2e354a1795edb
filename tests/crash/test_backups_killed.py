"""`kill -9` while volumes are backed up and restored: it ends as was asked, and nothing is left."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.crash.walk import Walk

POINTS = [
    "before commit: POST /volume/backups",
    "after commit: POST /volume/backups",
    "after step: block_storage.backup copy",
    "after commit: job block_storage.backup copy",
    "after step: block_storage.backup store",
    "after commit: job block_storage.backup store",
    "after step: block_storage.backup tidy",
    "after commit: POST /volume/backups/{backup_id}/restore",
    "after step: block_storage.restore wait",
    "after step: block_storage.restore load",
    "after commit: job block_storage.restore load",
    "after step: block_storage.restore write",
    "after commit: job block_storage.restore write",
    "after step: block_storage.restore tidy",
    "after commit: DELETE /volume/backups/{backup_id}",
    "after step: block_storage.backup_removal remove",
    "after commit: job block_storage.backup_removal remove",
]
BACKUPS, VOLUMES = "/volume/v3/backups", "/volume/v3/volumes"


class Life(Walk):
    def steps(self) -> list[Callable[[], None]]:
        return [self.volume, self.full, self.incremental, self.restored, self.away, self.clear]

    def _backup(self, name: str, **more: Any) -> None:
        if self.find(BACKUPS, "backups", name) is None:
            self.volume_is("available")
            volume = self.named(VOLUMES, "volumes", "walk")
            wish = {"volume_id": volume["id"], "name": name, **more}
            self.plane.ask("POST", BACKUPS, {"backup": wish})

        def made(found: Any) -> bool:
            return any(b["name"] == name and b["status"] == "available" for b in found["backups"])

        self.wait(f"{BACKUPS}/detail", made)
        self.volume_is("available")

    def full(self) -> None:
        self._backup("full")

    def incremental(self) -> None:
        self._backup("more", incremental=True)

    def restored(self) -> None:
        """Asked for once more where the answer was lost."""
        if self.find(VOLUMES, "volumes", "back") is None:
            path = f"{BACKUPS}/{self.named(BACKUPS, 'backups', 'more')['id']}/restore"
            self.plane.ask("POST", path, {"restore": {"name": "back"}})

        def there(found: Any) -> bool:
            return any(v["name"] == "back" and v["status"] == "available" for v in found["volumes"])

        self.wait(f"{VOLUMES}/detail", there)

    def away(self) -> None:
        for name in ("more", "full"):
            known = self.find(BACKUPS, "backups", name)
            if known is not None:
                self.wait(f"{BACKUPS}/{known['id']}", _at_rest)
                self.plane.ask("DELETE", f"{BACKUPS}/{known['id']}", ok=(404, 400))
            self.wait(BACKUPS, lambda _, name=name: self.find(BACKUPS, "backups", name) is None)

    def clear(self) -> None:
        for name in ("back", "walk"):
            known = self.find(VOLUMES, "volumes", name)
            if known is not None:
                self.plane.ask("DELETE", f"{VOLUMES}/{known['id']}", ok=(404, 400))
            self.wait(VOLUMES, lambda _, name=name: self.find(VOLUMES, "volumes", name) is None)


def _at_rest(found: Any) -> bool:
    return found["backup"]["status"] in ("available", "deleting")


def life(plane: ControlPlane) -> Iterable[Callable[[], None]]:
    return Life(plane).steps()


def test_converges(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "data")
    try:
        reached = run_walk(plane, POINTS, life)
    finally:
        plane.stop()
    assert reached == POINTS
    leaks.settle(plane)
    left = leaks.counts(tmp_path / "data")
    assert {name: left[name] for name in ("volumes", "volume_backups", "jobs") if left[name]} == {}
    used = leaks.used_quota(tmp_path / "data")
    assert not {name: n for name, n in used.items() if "/block_storage/" in name and n}
    assert leaks.files(tmp_path / "data", "fake/fake-0001/volume-copies") == []
    assert leaks.files(tmp_path / "data", "backups") == []
