"""Two control planes on one database, each with a name server of its own."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import pytest

from tests.support.cloud import TestCloud, running_cloud

pytestmark = pytest.mark.postgresql
ZONES = "/dns/v2/zones"


async def ask(folder: Path, name: str) -> list[str]:
    port = int((folder / "dns" / "port").read_text())
    query = dns.message.make_query(name, "A")
    answer = await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=2)
    return [str(each) for rrset in answer.answer for each in rrset]


async def until(what: Any, wanted: Any) -> None:
    end = asyncio.get_running_loop().time() + 20
    while True:
        try:
            found = await what()
        except (dns.exception.DNSException, OSError, ValueError) as error:
            found = error
        if found == wanted:
            return
        assert asyncio.get_running_loop().time() < end, found
        await asyncio.sleep(0.02)


async def status(cloud: TestCloud, zone: str) -> str:
    return str((await cloud.call("GET", f"{ZONES}/{zone}")).json.get("status"))


def stop_name_server(folder: Path, number: signal.Signals) -> None:
    """Of this data directory: its log is its standard output."""
    log = (folder / "dns" / "nameserver.log").resolve()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = (process / "fd" / "1").resolve() == log
        except OSError:
            continue
        if mine:
            os.kill(int(process.name), number)


def test_a_zone_is_active_when_all_name_servers_have_it(
    postgresql_dsn: str, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    database = {"url": postgresql_dsn}

    async def main() -> None:
        async with running_cloud(one, database=database) as cloud:
            made = await cloud.call("POST", ZONES, json_={"name": "two.org.", "email": "a@two.org"})
            zone = made.json["id"]
            await until(lambda: status(cloud, zone), "ACTIVE")
            # Another control plane of the same cloud has its secrets.
            shutil.copytree(one / "secrets", two / "secrets")
            async with running_cloud(two, database=database):
                records = f"{ZONES}/{zone}/recordsets"
                body = {"name": "www.two.org.", "type": "A", "records": ["192.0.2.1"]}
                # The second one has its data from the rows, and hears of what the first one does.
                await until(lambda: ask(two, "two.org."), [])
                made = await cloud.call("POST", records, json_=body)
                assert made.status == 202
                await until(lambda: status(cloud, zone), "ACTIVE")
                assert await ask(one, "www.two.org.") == ["192.0.2.1"]
                assert await ask(two, "www.two.org.") == ["192.0.2.1"]
                # One of two hangs: what is new waits for it, and is no error.
                stop_name_server(two, signal.SIGSTOP)
                body = {"name": "new.two.org.", "type": "A", "records": ["192.0.2.2"]}
                assert (await cloud.call("POST", records, json_=body)).status == 202
                await until(lambda: ask(one, "new.two.org."), ["192.0.2.2"])
                await asyncio.sleep(0.5)
                assert await status(cloud, zone) == "PENDING"
                stop_name_server(two, signal.SIGCONT)
                await until(lambda: status(cloud, zone), "ACTIVE")
                assert await ask(two, "new.two.org.") == ["192.0.2.2"]
            # It has left in good order: nobody waits for it.
            body = {"name": "last.two.org.", "type": "A", "records": ["192.0.2.3"]}
            assert (await cloud.call("POST", records, json_=body)).status == 202
            await until(lambda: status(cloud, zone), "ACTIVE")
            assert await ask(one, "last.two.org.") == ["192.0.2.3"]

    asyncio.run(main())
