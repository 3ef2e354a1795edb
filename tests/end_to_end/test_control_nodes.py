"""Several control nodes on one PostgreSQL: every one answers everything, and one may go."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import websockets.sync.client

from cumulo.core.hosts.dial import DialledLink, Identity
from cumulo.core.hosts.joining import join, token_of
from cumulo.core.hosts.messages import Answer, Ask
from tests.support.nodes import Node, TwoNodes, cumulo, two_nodes
from tests.support.ports import free_port
from tests.support.served import served_cloud

HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option redispatch
  retries 3
frontend apis
  bind 127.0.0.1:{port}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /healthz
  http-check expect status 200
  default-server inter 200ms fall 1 rise 1
  server one {one} check
  server two {two} check
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, postgresql_server: str) -> Iterator[TwoNodes]:
    name = "two_nodes"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = postgresql_server.replace("/postgres?", f"/{name}?")
    with two_nodes(tmp_path_factory.mktemp("nodes"), dsn) as made:
        yield made


def until(look: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def server(node: Node, name: str) -> str:
    network = node.json("GET", "/network/v2.0/networks?name=private")["networks"][0]["id"]
    flavor = node.json("GET", "/compute/v2.1/flavors")["flavors"][0]["id"]
    image = node.json("GET", "/image/v2/images?name=cumulo-guest")["images"][0]["id"]
    wish = {"name": name, "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}
    made = node.json("POST", "/compute/v2.1/servers", json={"server": wish})
    return f"/compute/v2.1/servers/{made['server']['id']}"


def test_the_work_is_shared(nodes: TwoNodes) -> None:
    admin, _ = nodes.as_("admin")

    def shared() -> bool:
        found = admin.json("GET", "/cumulo/nodes")["nodes"]
        return len(found) == 2 and all(each["works_on"] for each in found)

    until(shared, "one node does everything", 40)
    told = cumulo(nodes.second.data, "node", "list")
    assert "has the files" in told and "this one" in told and "DOWN" not in told


def test_servers_by_the_other_node(nodes: TwoNodes) -> None:
    """The host is connected with the first one: it is woken, and asked, through it."""
    _, node = nodes.as_("demo")
    path = server(node, "by-the-other")
    until(lambda: node.json("GET", path)["server"]["status"] == "ACTIVE", "no server", 10)
    console = node.json("POST", f"{path}/action", json={"os-getConsoleOutput": {}})
    assert "login:" in console["output"]
    wish = {"remote_console": {"protocol": "serial", "type": "serial"}}
    newer = {"openstack-api-version": "compute 2.6"}
    made = node.json("POST", f"{path}/remote-consoles", json=wish, headers=newer)
    url = made["remote_console"]["url"]
    assert url.startswith(node.url.replace("http", "ws"))
    with websockets.sync.client.connect(url, subprotocols=["binary"], proxy=None) as line:
        line.send(b"echo")
        assert line.recv(10) == b"echo"
    assert node.call("DELETE", path).status_code == 204
    until(lambda: node.call("GET", path).status_code == 404, "it stays", 10)


def test_files_by_the_other_node(nodes: TwoNodes) -> None:
    """They are the first one's; it proves by itself who asks."""
    first, node = nodes.as_("demo")
    wish = {"name": "sent", "container_format": "bare", "disk_format": "raw"}
    image = node.json("POST", "/image/v2/images", json=wish)["id"]
    data = os.urandom(9_000_000)
    octets = {"Content-Type": "application/octet-stream"}
    path = f"/image/v2/images/{image}/file"
    assert node.call("PUT", path, data=data, headers=octets).status_code == 204
    assert first.call("GET", path).content == node.call("GET", path).content == data
    part = node.call("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    here = f"/object-store/v1/AUTH_{node.project}/box"
    assert node.call("PUT", here).status_code == 201
    assert node.call("PUT", f"{here}/a b", data=iter([b"ab", b"cd"])).status_code == 201
    assert first.call("GET", f"{here}/a%20b").content == b"abcd"
    head = node.call("HEAD", f"{here}/a%20b")
    assert (head.headers["Content-Length"], head.content) == ("4", b"")
    assert node.call("GET", f"{here}/none").status_code == 404
    _cut_off(node, f"{here}/cut")
    assert first.call("GET", f"{here}/cut").status_code == 404
    stranger = Node(node.url, "nobody", node.project)
    assert stranger.call("GET", f"{here}/a%20b").status_code == 401
    assert stranger.call("GET", path).status_code == 401
    for name in ("/a%20b", ""):
        assert first.call("DELETE", here + name).status_code == 204


def _cut_off(node: Node, path: str) -> None:
    """An upload whose client goes in its middle."""
    address, _, port = node.url.removeprefix("http://").partition(":")
    with socket.create_connection((address, int(port)), 10) as client:
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n"
        client.sendall(f"{head}X-Auth-Token: {node.token}\r\n\r\n".encode() + b"x" * 3_000_000)
        time.sleep(0.3)


def test_keys_and_policies_are_the_same(nodes: TwoNodes) -> None:
    cumulo(nodes.first.data, "identity", "rotate-keys", "--credentials")
    _, node = nodes.as_("demo")
    # A token of the new key, at once.
    assert node.call("GET", "/compute/v2.1/servers").status_code == 200
    policy = nodes.second.data / "policy"
    policy.mkdir(exist_ok=True)
    (policy / "compute.yaml").write_text('"os_compute_api:servers:index": "role:nobody"\n')
    first, _ = nodes.as_("demo")
    until(lambda: first.call("GET", "/compute/v2.1/servers").status_code == 403, "the old policy")
    (nodes.first.data / "policy" / "compute.yaml").unlink()
    until(lambda: node.call("GET", "/compute/v2.1/servers").status_code == 200, "the policy stays")


def test_a_token_is_good_once(nodes: TwoNodes, tmp_path: Path) -> None:
    admin, _ = nodes.as_("admin")
    demo, _ = nodes.as_("demo")
    assert demo.call("POST", "/cumulo/nodes/tokens", json={}).status_code == 403
    made = admin.json("POST", "/cumulo/nodes/tokens", json={"minutes": 5})
    token = made["token"]
    wrong = f"{'0' * 32}-{token.partition('-')[2]}"
    joins = ("node", "join", made["url"], "--listen", f"127.0.0.1:{free_port()}", "--name")
    told = cumulo(tmp_path / "x", *joins, "third", "--token", wrong, status=1)
    assert "not good" in told
    told = cumulo(tmp_path / "x", *joins, "second", "--token", token, status=1)
    assert "already" in told
    told = cumulo(tmp_path / "x", *joins, "a b", "--token", token, status=1)
    assert "letters" in told
    assert not (tmp_path / "x" / "secrets" / "master.key").exists()
    # A host's token does not hand out the cloud's keys.
    host = admin.json("POST", "/cumulo/hosts/tokens", json={})["token"]
    told = cumulo(tmp_path / "x", *joins, "third", "--token", host, status=1)
    assert "not good" in told
    with pytest.raises(requests.HTTPError):
        admin.call("POST", "/cumulo/nodes/second/remove").raise_for_status()


@contextlib.contextmanager
def dialling(nodes: TwoNodes, folder: Path) -> Iterator[DialledLink]:
    """A host that joined at the second node: its way to the cloud, without work of its own."""
    admin, _ = nodes.as_("admin")
    token = token_of(admin.json("POST", "/cumulo/hosts/tokens", json={})["token"])
    rows = admin.json("GET", "/cumulo/nodes")["nodes"]
    [place] = [each["url"] for each in rows if each["name"] == "second"]
    join(place, token, "far", folder)
    link = DialledLink([place], Identity(folder), version="1", settings={})

    async def answer(message: Ask) -> Answer:
        return Answer({})

    link.bind({"compute": object}, answer, lambda kind: None)
    loop = asyncio.new_event_loop()
    running = loop.create_task(link.run())
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(asyncio.gather(running, return_exceptions=True))
    )
    thread.start()
    try:
        until(lambda: link.welcome is not None, "the host is not heard")
        yield link
    finally:
        loop.call_soon_threadsafe(running.cancel)
        thread.join(10)
        loop.close()
        told = admin.call("POST", "/cumulo/hosts/far/remove")
        assert told.ok, told.text


def test_a_node_is_killed(nodes: TwoNodes, tmp_path: Path) -> None:
    """What it was to do the other one does; what it was asked for is there when it is back. Its
    hosts dial the other one."""
    with dialling(nodes, tmp_path / "far") as link:
        there = link.url
        _killed(nodes)
        until(lambda: link.url != there and link.welcome is not None, "the host is lost")


def _killed(nodes: TwoNodes) -> None:
    first, second = nodes.as_("demo")
    pid = int(cumulo(nodes.second.data, "status").split("pid ")[1].split(",")[0])
    path = server(second, "survivor")
    os.kill(pid, signal.SIGKILL)
    until(lambda: first.json("GET", path)["server"]["status"] == "ACTIVE", "no server", 10)
    admin, _ = nodes.as_("admin")

    def taken_over() -> bool:
        found = {each["name"]: each for each in admin.json("GET", "/cumulo/nodes")["nodes"]}
        dead = found.pop("second")
        [living] = found.values()
        return not dead["alive"] and not dead["works_on"] and len(living["works_on"]) > 5

    until(taken_over, "nobody took over", 40)
    cumulo(nodes.second.data, "up")
    assert second.json("GET", path)["server"]["status"] == "ACTIVE"
    assert second.call("DELETE", path).status_code == 204
    until(lambda: first.call("GET", path).status_code == 404, "it stays", 10)


def test_a_rolling_restart_fails_no_request(nodes: TwoNodes, tmp_path: Path) -> None:
    port = free_port()
    one, two = (each.url.removeprefix("http://") for each in (nodes.first, nodes.second))
    (tmp_path / "haproxy.cfg").write_text(HAPROXY.format(port=port, one=one, two=two))
    balancer = subprocess.Popen(["/usr/sbin/haproxy", "-f", str(tmp_path / "haproxy.cfg"), "-db"])
    try:
        node = Node(f"http://127.0.0.1:{port}", nodes.as_("demo")[0].token, "")
        until(lambda: _answers(node), "the balancer does not answer")
        ended, answers, wrong = threading.Event(), [0], list[str]()

        def ask(number: int) -> None:
            session = requests.Session()
            session.headers["X-Auth-Token"] = node.token
            while not ended.is_set():
                body = {"network": {"name": f"rolling-{number}"}}
                for method, path, more in (
                    ("GET", "/compute/v2.1/servers", {}),
                    ("POST", "/network/v2.0/networks", {"json": body}),
                ):
                    try:
                        answer = session.request(method, node.url + path, timeout=30, **more)
                    except requests.RequestException as error:
                        wrong.append(f"{method} {path}: {error}")
                        continue
                    answers[0] += 1
                    if not answer.ok:
                        wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:100]}")
                    elif method == "POST":
                        made = answer.json()["network"]["id"]
                        session.delete(f"{node.url}/network/v2.0/networks/{made}", timeout=30)
                time.sleep(0.02)

        asking = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for each in asking:
            each.start()
        try:
            for _ in range(2):
                cumulo(nodes.second.data, "restart")
                until(lambda: requests.get(f"{nodes.second.url}/healthz", timeout=5).ok, "no node")
                time.sleep(1.0)
        finally:
            ended.set()
            for each in asking:
                each.join(30)
        assert wrong == []
        assert answers[0] > 50
    finally:
        balancer.terminate()
        balancer.wait(10)


def _answers(node: Node) -> bool:
    try:
        return node.call("GET", "/compute/v2.1/servers").status_code == 200
    except requests.RequestException:
        return False


def test_sqlite_has_one_node(tmp_path: Path) -> None:
    with served_cloud(tmp_path / "alone") as cloud:
        told = cumulo(cloud.data, "node", "token", "create", status=1)
        assert "need PostgreSQL" in told
        assert "works on 0 parts" not in cumulo(cloud.data, "node", "list")
