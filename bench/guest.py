"""From `server create` to the guest's first console line, over starting the same QEMU by hand.

Needs root and a built guest image. Everything happens in a network namespace without a way out.
"""

import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.process import Cloud, free_port, wait_until_answering
from cumulo.core.run import namespaces

ROUNDS = 3


def possible() -> bool:
    from cumulo.settings import Settings

    return os.geteuid() == 0 and Settings().guest_image.exists()


def measure() -> tuple[float, float]:
    """(seconds by the API, seconds by hand), medians of a few rounds, image cached."""
    namespace = f"cb{secrets.token_hex(3)}"
    data_dir = Path(tempfile.mkdtemp(prefix="cumulo-bench-"))
    data_dir.chmod(0o755)
    namespaces.create_namespace(namespace)
    try:
        namespaces.in_namespace(namespace, _loopback)
        argv = [sys.executable, "-m", "bench.guest", str(data_dir)]
        done = subprocess.run(
            ["nsenter", f"--net={namespaces.namespace_path(namespace)}", "--", *argv],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        api, hand = done.stdout.split()[-2:]
        return float(api), float(hand)
    finally:
        namespaces.delete_namespace(namespace)
        shutil.rmtree(data_dir, ignore_errors=True)


def _loopback() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _run(data_dir: Path) -> None:
    """Inside the namespace: a cloud with real drivers."""
    port = free_port()
    options = ["--data-dir", str(data_dir)]
    main = [sys.executable, "-m", "cumulo.cli.main"]
    child = subprocess.Popen(
        [*main, "serve", *options, "--listen", f"127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_answering(child, port, data_dir)
        cloud = Cloud(child.pid, port, data_dir, 0.0)
        _through_api(cloud, data_dir, 0)  # fills the image cache
        rounds = [_through_api(cloud, data_dir, n) for n in range(1, ROUNDS + 1)]
    finally:
        child.terminate()
        child.wait(30)
        subprocess.run(
            [*main, "down", "--purge", "--yes", *options], check=True, capture_output=True
        )
    print(statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds))


def _through_api(cloud: Cloud, data_dir: Path, n: int) -> tuple[float, float]:
    image = cloud.json("GET", "/image/v2/images?name=cumulo-guest")["images"][0]["id"]
    network = cloud.json("GET", "/network/v2.0/networks?name=private")["networks"][0]["id"]
    server = {
        "name": f"g{n}",
        "imageRef": image,
        "flavorRef": "42",
        "networks": [{"uuid": network}],
    }
    began = time.monotonic()
    id = cloud.json("POST", "/compute/v2.1/servers", {"server": server})["server"]["id"]
    folder = data_dir / "guests" / id
    _first_line(folder)
    seconds = time.monotonic() - began
    by_hand = _by_hand(folder)
    cloud.json("DELETE", f"/compute/v2.1/servers/{id}")
    end = time.monotonic() + 60
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return seconds, by_hand


def _console(folder: Path) -> Path | None:
    return next(iter(folder.rglob("console.log")), None)


def _first_line(folder: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        console = _console(folder)
        if console is not None and b"\n" in console.read_bytes():
            return
        time.sleep(0.002)
    raise RuntimeError("the guest says nothing")


def _by_hand(folder: Path) -> float:
    """The very command line of that guest, without its network card, on a copy of its files."""
    pid = int(json.loads((folder / "state.json").read_text())["pid"])
    words = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    place = Path(f"/proc/{pid}/cwd").resolve()
    scratch = Path(tempfile.mkdtemp(prefix="cumulo-bench-hand-"))
    shutil.copytree(folder, scratch / folder.name, ignore=_no_sockets)
    console = _console(scratch / folder.name)
    assert console is not None
    console.write_bytes(b"")
    argv = [word for word in _without_network(words) if word != "-S"]
    log = (scratch / "log").open("wb")
    began = time.monotonic()
    child = subprocess.Popen(
        [word.replace(str(folder), str(scratch / folder.name)) for word in argv],
        stdout=log,
        stderr=log,
        cwd=scratch / folder.name / place.relative_to(folder),
    )
    try:
        _first_line(scratch / folder.name)
        return time.monotonic() - began
    finally:
        child.kill()
        child.wait()
        log.close()
        shutil.rmtree(scratch)


def _no_sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


def _without_network(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if skip:
            skip = False
            continue
        if word == "-netdev" or (word == "-device" and "virtio-net" in following):
            skip = True
            continue
        kept.append(word)
    return kept


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
