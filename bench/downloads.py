"""Image download against nginx sending the same bytes as a static file: python -m bench.downloads.

Both on this machine's loopback, turn by turn, to the same client (curl to /dev/null). NGINX_BINARY
names nginx when it is not in the PATH.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.process import Cloud, fake_cloud, free_port

SIZE = 1 << 30
ROUNDS = 7
_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


def fetch(url: str, token: str = "") -> float:
    """MB a second."""
    argv = ["curl", "-sf", "-o", "/dev/null", "-H", f"X-Auth-Token: {token}", url]
    started = time.perf_counter()
    subprocess.run(argv, check=True)
    return SIZE / 1e6 / (time.perf_counter() - started)


def upload(cloud: Cloud, file: Path) -> str:
    body = {"name": "bench", "disk_format": "raw", "container_format": "bare"}
    image = cloud.json("POST", "/image/v2/images", body)["id"]
    url = f"http://127.0.0.1:{cloud.port}/image/v2/images/{image}/file"
    token = cloud.token("demo")
    started = time.perf_counter()
    subprocess.run(
        ["curl", "-sf", "-T", file, "-H", f"X-Auth-Token: {token}",
         "-H", "Content-Type: application/octet-stream", url],
        check=True,
    )  # fmt: skip
    print(f"upload, hashed (md5, sha512): {SIZE / 1e6 / (time.perf_counter() - started):,.0f} MB/s")
    return url


def main() -> None:
    nginx = os.environ.get("NGINX_BINARY") or shutil.which("nginx")
    assert nginx, "nginx is not installed: NGINX_BINARY names it"
    folder, port = Path(tempfile.mkdtemp(prefix="bench-nginx-")), free_port()
    file = folder / "www" / "image"
    file.parent.mkdir()
    block = os.urandom(1 << 20)
    with file.open("wb") as out:
        for _ in range(SIZE >> 20):
            out.write(block)
    (folder / "conf").write_text(_CONFIG.format(folder=folder, port=port))
    server = subprocess.Popen([nginx, "-c", str(folder / "conf"), "-p", str(folder)])
    try:
        with fake_cloud() as cloud:
            ours, token = upload(cloud, file), cloud.token("demo")
            before = cloud.memory_mb()
            pairs = []
            for _ in range(ROUNDS):
                pairs.append((fetch(ours, token), fetch(f"http://127.0.0.1:{port}/image")))
            print(f"memory: {before:.0f} MB before, {cloud.memory_mb():.0f} MB after")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)
    mine, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"download: {mine:,.0f} MB/s; nginx: {theirs:,.0f} MB/s; ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()
