"""Content of another machine: by a ticket, checked by its sum, and for nobody else."""

import asyncio
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.remote import RemoteContents
from cumulo.core.blobs.shelf import Shelf
from cumulo.core.blobs.tickets import BadTicket, Tickets
from tests.support.served import served_cloud


def test_tickets(tmp_path: Path) -> None:
    mine = Tickets.kept_in(tmp_path / "secrets" / "key")
    again = Tickets.kept_in(tmp_path / "secrets" / "key")
    given = mine.give("an-image", "host-2")
    found = again.take(given)
    assert (found.content_id, found.host) == ("an-image", "host-2")
    assert 3590 < found.until - time.time() < 3610
    assert (tmp_path / "secrets" / "key").stat().st_mode & 0o777 == 0o600
    said, _, mark = given.partition(".")
    other = Tickets(b"x" * 32).give("an-image", "host-2")
    for bad in ("", ".", given[:-2], f"{said}x.{mark}", other, mine.give("a", "b", seconds=-5),
                "ü.ü", "a" * 5000):  # fmt: skip
        with pytest.raises(BadTicket):
            mine.take(bad)
    with pytest.raises(ValueError, match="NUL"):
        mine.give("a\0b", "host")
    with pytest.raises(ValueError, match="short"):
        Tickets(b"short")


def test_a_host_fetches_what_it_has_a_ticket_for(tmp_path: Path) -> None:
    with served_cloud(tmp_path / "cloud") as cloud:
        tickets = Tickets.kept_in(cloud.data / "secrets" / "ticket-key")
        found = cloud.session("demo").get(f"{cloud.url}/image/v2/images").json()["images"][0]
        image = Content(found["id"], found["os_hash_value"], found["size"])

        async def ticket(content: Content) -> str:
            return tickets.give(content.id, "host-2")

        async def main() -> None:
            remote = RemoteContents(cloud.url, ticket)
            shelf = Shelf(tmp_path / "shelf", lambda: remote)
            path = await shelf.have(image)
            assert path.stat().st_size == found["size"]
            with pytest.raises(Missing):
                await shelf.have(Content("no-such-image"))
            wrong = Content(image.id, "ab" * 64, image.size)
            with pytest.raises(OSError, match="not those of the image"):
                await shelf.have(wrong)

        asyncio.run(main())
        good = f"{cloud.url}/image/content/{tickets.give(image.id, 'host-2')}"
        part = urllib.request.Request(good, headers={"Range": "bytes=0-9"})
        with urllib.request.urlopen(part, timeout=10) as answer:
            assert (answer.status, len(answer.read())) == (206, 10)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{good}x", timeout=10)
        assert refused.value.code == 401
