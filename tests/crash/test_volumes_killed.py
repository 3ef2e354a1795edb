"""`kill -9` while a volume becomes an image, and while it is given away: it ends as was asked, and
nothing is left."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.crash.walk import Walk

POINTS = [
    "before commit: os-volume_upload_image",
    "after commit: os-volume_upload_image",
    "after step: block_storage.upload copy",
    "after commit: job block_storage.upload copy",
    "after step: block_storage.upload upload",
    "after commit: job block_storage.upload upload",
    "before step: block_storage.upload tidy",
    "after step: block_storage.upload tidy",
    "after commit: POST /volume/os-volume-transfer",
    "before commit: POST /volume/os-volume-transfer/{transfer_id}/accept",
    "after commit: POST /volume/os-volume-transfer/{transfer_id}/accept",
]
IMAGES, TRANSFERS = "/image/v2/images", "/volume/v3/os-volume-transfer"


class Life(Walk):
    def steps(self) -> list[Callable[[], None]]:
        return [self.volume, self.uploaded, self.offered, self.given, self.away, self.clear]

    def uploaded(self) -> None:
        """Asked for once more where the answer was lost."""
        if self.find(IMAGES, "images", "walk") is None:
            self.volume_is("available")
            wish = {"image_name": "walk", "disk_format": "qcow2"}
            body = {"os-volume_upload_image": wish}
            self.plane.ask("POST", f"{self.volume_path}/action", body, ok=(400,))

        def active(found: Any) -> bool:
            return any(i["name"] == "walk" and i["status"] == "active" for i in found["images"])

        self.wait(IMAGES, active)
        self.volume_is("available")

    def _transfer(self) -> Any:
        found = self.plane.ask("GET", TRANSFERS)["transfers"]
        return found[0] if found else None

    def offered(self) -> None:
        """Whose key is lost is taken back, and offered anew."""
        if (known := self._transfer()) is not None:
            self.plane.ask("DELETE", f"{TRANSFERS}/{known['id']}", ok=(404,))
        volume = self.named("/volume/v3/volumes", "volumes", "walk")
        made = self.plane.ask("POST", TRANSFERS, {"transfer": {"volume_id": volume["id"]}})
        self.key = made["transfer"]["auth_key"]

    def given(self) -> None:
        if (known := self._transfer()) is not None:
            body = {"accept": {"auth_key": self.key}}
            path = f"{TRANSFERS}/{known['id']}/accept"
            self.plane.ask("POST", path, body, user="admin", ok=(404,))
        assert self.find("/volume/v3/volumes", "volumes", "walk") is None

    def _theirs(self) -> Any:
        found = self.plane.ask("GET", "/volume/v3/volumes", user="admin")["volumes"]
        return found[0] if found else None

    def away(self) -> None:
        if (known := self._theirs()) is not None:
            path = f"/volume/v3/volumes/{known['id']}"
            self.plane.ask("DELETE", path, user="admin", ok=(404, 400))
        self.wait("/volume/v3/volumes/summary", lambda _: self._theirs() is None)

    def clear(self) -> None:
        image = self.find(IMAGES, "images", "walk")
        if image is not None:
            self.plane.ask("DELETE", f"{IMAGES}/{image['id']}", ok=(404,))


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
    gone = ("volumes", "volume_transfers", "jobs")
    assert {name: left[name] for name in gone if left[name]} == {}
    used = leaks.used_quota(tmp_path / "data")
    mine = ("demo/block_storage/", "admin/block_storage/")
    assert not {name: n for name, n in used.items() if name.startswith(mine) and n}
    assert leaks.files(tmp_path / "data", "fake/fake-0001/volume-copies") == []
