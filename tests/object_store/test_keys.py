"""The key of encryption at rest: a lost or another one is never made up for, and what it
cannot read is never taken for rot."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

from cumulo.object_store.drivers.files import QUARANTINE, FileBlobs
from cumulo.settings import BadSettings
from tests.support.cloud import running_cloud


def test_a_lost_key_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"

    async def main(*, encrypt: bool, fails: Exception | None = None) -> tuple[int, bytes, int]:
        async with running_cloud(data, object_store={"encrypt": encrypt}) as cloud:
            await cloud.token("demo")
            path = f"/object-store/v1/AUTH_{cloud.projects['demo']}/c"
            await cloud.call("PUT", path)
            if (await cloud.call("HEAD", f"{path}/o")).status == 404:
                await cloud.call("PUT", f"{path}/o", body=b"content " * 1000)
            if fails is not None:

                def broken(self: FileBlobs, device: str, blob: str) -> Any:
                    raise fails

                monkeypatch.setattr(FileBlobs, "digest", broken)
            found = await cloud.call("POST", "/cumulo/object-store/audit", as_="admin", json_={})
            assert found.status == 200, found.raw
            monkeypatch.undo()
            got = await cloud.call("GET", f"{path}/o")
            return got.status, got.raw, len(list(data.rglob(f"{QUARANTINE}/*")))

    whole = (200, b"content " * 1000, 0)
    assert asyncio.run(main(encrypt=True)) == whole
    assert asyncio.run(main(encrypt=True, fails=OSError(errno.EMFILE, "too many"))) == whole
    (key,) = data.rglob("object-store-key-01")
    kept = key.read_text()
    key.unlink()
    with pytest.raises(BadSettings, match="bring it back"):
        asyncio.run(main(encrypt=True))
    assert not key.exists()
    # Without encryption the cloud starts; what cannot be read stays where it is.
    status, _, quarantined = asyncio.run(main(encrypt=False))
    assert status >= 400 and not quarantined
    key.write_text("00" * 32)
    with pytest.raises(BadSettings, match="is not the key"):
        asyncio.run(main(encrypt=False))
    key.write_text(kept)
    assert asyncio.run(main(encrypt=True)) == whole
    status, _, quarantined = asyncio.run(main(encrypt=True, fails=OSError(errno.EIO, "rot")))
    assert status >= 400 and quarantined == 1
