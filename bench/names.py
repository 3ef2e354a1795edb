"""The name server beside BIND: answers for a second of CPU, and what 10,000 zones take.

    python -m bench.names

`dnsperf` asks both, one after the other, the same 1,000 names of 100 zones over and over for some
seconds; what counts is the CPU of the server's own process. Then the name server is told 10,000
zones of 10 records, and a change of one of them is waited for. At last a whole cloud is asked by
its API while somebody floods its name server with random names.
"""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import floor
from bench.process import Cloud, fake_cloud, free_port
from cumulo.dns import names, rdata
from cumulo.dns.drivers.embedded import EmbeddedNameServer
from cumulo.dns.nameserver.feed import Put, Step, Whole

ZONES, RECORDS = 100, 10
MANY = 10_000
SECONDS = 5
FLOOD_SECONDS, RANDOM = 5, 500_000
_NAMED = """
options {{ directory "{here}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file "{here}/named.pid"; session-keyfile "{here}/session.key"; recursion no; notify no;
  dnssec-validation no; minimal-responses yes; }};
controls {{ }};
"""


def zone_name(number: int) -> str:
    return f"zone{number}.example."


def steps_of(number: int) -> list[Step]:
    name = zone_name(number)
    _, soa = rdata.soa("ns1.example.", "a@example.org", 1, (3600, 600, 86400, 300))
    ns = rdata.pack([names.wire("ns1.example.")])
    steps: list[Step] = [Whole(name, names.wire(name), "pool")]
    steps.append(Put(name, names.wire(name), 6, 3600, rdata.pack([soa])))
    steps.append(Put(name, names.wire(name), 2, 3600, ns))
    for record in range(RECORDS - 2):
        owner = names.wire(f"www{record}.{name}")
        address = bytes([192, 0, 2, record])
        steps.append(Put(name, owner, 1, 300, rdata.pack([address])))
    return steps


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def asked(port: int, pid: int, questions: Path) -> tuple[float, float]:
    """Answers for a second of CPU, and for one by the clock."""
    before = cpu(pid)
    argv = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(questions)]
    done = subprocess.run(
        [*argv, "-l", str(SECONDS), "-c", "4", "-q", "100"],
        capture_output=True,
        text=True,
        timeout=SECONDS * 6,
        check=True,
    )
    used = cpu(pid) - before
    found = re.search(r"Queries completed:\s+(\d+)", done.stdout)
    lost = re.search(r"Queries lost:\s+(\d+)", done.stdout)
    assert found is not None and lost is not None, done.stdout
    assert int(lost[1]) < int(found[1]) // 100, done.stdout
    return int(found[1]) / used, int(found[1]) / SECONDS


@contextlib.contextmanager
def bind(here: Path, port: int) -> Iterator[int]:
    lines = [_NAMED.format(here=here, port=port)]
    for number in range(ZONES):
        name = zone_name(number)
        text = [f"$ORIGIN {name}", "@ 3600 SOA ns1.example. a.example.org. 1 3600 600 86400 300"]
        text.append("@ 3600 NS ns1.example.")
        text += [f"www{record} 300 A 192.0.2.{record}" for record in range(RECORDS - 2)]
        (here / f"{number}.db").write_text("\n".join([*text, ""]))
        lines.append(f'zone "{name}" {{ type primary; file "{number}.db"; }};')
    (here / "named.conf").write_text("\n".join(lines))
    argv = ["named", "-c", str(here / "named.conf"), "-g", "-n", "1"]
    with (here / "output").open("wb") as output:
        child = subprocess.Popen(argv, stdout=output, stderr=output)
    try:
        time.sleep(2.0)
        yield child.pid
    finally:
        child.terminate()
        child.wait(10)


async def ours(folder: Path, questions: Path) -> None:
    server = EmbeddedNameServer(folder)
    try:
        await server.start()
        for number in range(ZONES):
            await server.send(steps_of(number))
        await server.commit(1)
        assert server._child is not None
        port, pid = int(server.address.rpartition(":")[2]), server._child.pid
        await asyncio.to_thread(asked, port, pid, questions)
        each, wall = await asyncio.to_thread(asked, port, pid, questions)
        print(f"| the cloud's | {each:,.0f} | {wall:,.0f} | {memory_mb(pid):.0f} |", flush=True)
    finally:
        await server.stop()


async def many(folder: Path) -> None:
    server = EmbeddedNameServer(folder)
    try:
        await server.start()
        assert server._child is not None
        pid = server._child.pid
        began = time.perf_counter()
        for number in range(MANY):
            await server.send(steps_of(number))
        await server.commit(1)
        seconds, used, memory = time.perf_counter() - began, cpu(pid), memory_mb(pid)
        owner, zone = names.wire(f"www0.{zone_name(7)}"), zone_name(7)
        began = time.perf_counter()
        for number in range(100):
            changed = rdata.pack([bytes([192, 0, 2, number])])
            await server.send([Put(zone, owner, 1, 300, changed)])
            await server.commit(2 + number)
        change = (time.perf_counter() - began) / 100
    finally:
        await server.stop()
    print(
        f"\n{MANY:,} zones of {RECORDS} records: {seconds:.1f} s (CPU of the name server "
        f"{used:.1f} s), {memory:.0f} MB; a change of one is answered from after "
        f"{change * 1000:.1f} ms"
    )


def flooded(here: Path) -> None:
    """Random names of a zone, as fast as they are answered, none of which is kept: what becomes of
    the API meanwhile, and what the name server's process takes."""
    questions = here / "random"
    with questions.open("w") as out:
        for number in range(RANDOM):
            out.write(f"r{number * 2654435761 % 2**32:08x}.flood.example. A\n")
    with fake_cloud() as cloud:
        zone = cloud.json(
            "POST", "/dns/v2/zones", {"name": "flood.example.", "email": "a@example.org"}
        )
        path = f"/dns/v2/zones/{zone['id']}"
        cloud.run(cloud.until(path, lambda found: found["status"] == "ACTIVE"))
        before = answered(cloud, path, FLOOD_SECONDS)
        port = (cloud.data_dir / "dns" / "port").read_text().strip()
        argv = ["dnsperf", "-s", "127.0.0.1", "-p", port, "-d", str(questions)]
        flood = subprocess.Popen(
            [*argv, "-l", str(FLOOD_SECONDS + 2), "-c", "4", "-q", "100"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        time.sleep(1)
        during = answered(cloud, path, FLOOD_SECONDS)
        text = flood.communicate(timeout=60)[0]
        found = re.search(r"Queries completed:\s+(\d+)", text)
        assert found is not None, text
    print(
        f"\na flood of random names, {int(found[1]) / (FLOOD_SECONDS + 2):,.0f} a second answered: "
        f"GET of a zone by the API takes {during[0]:.1f} ms (95 of 100: {during[1]:.1f}); "
        f"without it {before[0]:.1f} ms ({before[1]:.1f})"
    )


def answered(cloud: Cloud, path: str, seconds: float) -> tuple[float, float]:
    """Milliseconds of a request, one after the other: the median, and 95 of 100."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        cloud.json("GET", path)
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    times.sort()
    return times[len(times) // 2], times[len(times) * 95 // 100]


def main() -> None:
    bare = floor.measure()
    with tempfile.TemporaryDirectory(prefix="cumulo-bench-") as made:
        here = Path(made)
        questions = here / "questions"
        questions.write_text(
            "".join(
                f"www{record}.{zone_name(number)} A\n"
                for number in range(ZONES)
                for record in range(10)
            )
        )
        print("| server | answers for a second of CPU | a second by the clock | MB |")
        print("|---|---|---|---|")
        asyncio.run(ours(here / "ours", questions))
        if shutil.which("named") is not None:
            (here / "bind").mkdir()
            port = free_port()
            with bind(here / "bind", port) as pid:
                asked(port, pid, questions)
                each, wall = asked(port, pid, questions)
                print(f"| BIND | {each:,.0f} | {wall:,.0f} | {memory_mb(pid):.0f} |")
        asyncio.run(many(here / "many"))
        flooded(here)
    slow = (floor.measure() + bare) / 2 / floor.REFERENCE_US
    print(f"\nthis machine is {slow:.1f} times slower now than at reference speed")


if __name__ == "__main__":
    main()
