"""From the kernel's start to the heartbeats.

What this boot is told stands in /etc/cumulo-agent.json: `api` (URL of the bare metal API), `node`,
`token`, `trust` (certificates that the API may show, PEM), `certificate` and `key` (PEM, of the
commands API). What is not there may be in the kernel's command line: ipa-api-url,
ipa-node-uuid, ipa-agent-token.
"""

import json
import os
import random
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cumulo.baremetal.ramdisk.agent.calls import Api, CallFailed
from cumulo.baremetal.ramdisk.agent.commands import PORT, VERSION, Commands, Server, handler
from cumulo.baremetal.ramdisk.agent.inventory import interfaces
from cumulo.baremetal.ramdisk.agent.work import Work

TOLD = Path("/etc/cumulo-agent.json")
LOOKUP_SECONDS = 1800.0
MASKED = "******"


def say(text: str) -> None:
    print(f"agent: {text}", file=sys.stderr, flush=True)


def told() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in Path("/proc/cmdline").read_text().split():
        name, _, value = word.partition("=")
        short = {"ipa-api-url": "api", "ipa-node-uuid": "node", "ipa-agent-token": "token"}
        if name in short:
            found[short[name]] = value
    if TOLD.exists():
        found |= json.loads(TOLD.read_text())
    return found


def power(kind: str) -> None:
    """A moment later, so that the answer gets out."""

    def end() -> None:
        time.sleep(1.0)
        os.sync()
        Path("/proc/sys/kernel/sysrq").write_text("1")
        Path("/proc/sysrq-trigger").write_text("o" if kind == "off" else "b")

    threading.Thread(target=end).start()


def own_address(api: str) -> str:
    """From where this machine speaks to the API. Raises OSError."""
    parts = urlsplit(api)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "", port))
        return str(probe.getsockname()[0])


def found_node(api: Api, node: str | None) -> dict[str, Any]:
    """Looks up until somebody answers; gives up after LOOKUP_SECONDS, by starting anew."""
    end, pause = time.monotonic() + LOOKUP_SECONDS, 1.0
    while True:
        try:
            addresses = [str(each["mac_address"]) for each in interfaces()]
            return api.lookup(addresses, node)
        except CallFailed as error:
            say(f"lookup: {error}")
        if time.monotonic() > end:
            power("reboot")
            time.sleep(60)
        time.sleep(pause)
        pause = min(pause * 1.5, 10.0)


class Heart:
    """Beats until the machine ends."""

    def __init__(self, api: Api, node: str, body: dict[str, Any], seconds: float) -> None:
        self._api = api
        self._node = node
        self._body = body
        self._seconds = seconds
        self._news = threading.Event()

    def now(self) -> None:
        self._news.set()

    def beat(self) -> None:
        while True:
            pause = self._seconds * random.uniform(0.3, 0.6)
            try:
                self._api.heartbeat(self._node, self._body)
            except CallFailed as error:
                say(f"heartbeat: {error}")
                pause = min(pause, 5.0)
            self._news.wait(pause)
            self._news.clear()


def _certificates(config: dict[str, Any]) -> ssl.SSLContext | None:
    """The commands API's own."""
    if not config.get("certificate"):
        return None
    folder = Path("/run/agent")
    folder.mkdir(mode=0o700, exist_ok=True)
    certificate, key = folder / "certificate", folder / "key"
    certificate.write_text(config["certificate"])
    key.write_text(config["key"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main() -> None:
    config = told()
    if not config.get("api"):
        say("nobody has said where the bare metal API is (ipa-api-url)")
        return
    trust = ssl.create_default_context(cadata=config["trust"]) if config.get("trust") else None
    api = Api(config["api"], trust)
    found = found_node(api, config.get("node"))
    node, settings = found["node"], found.get("config") or {}
    given = settings.get("agent_token")
    token = given if given and given != MASKED else config.get("token") or ""
    if not token:
        say("there is no agent token")
        return
    heart: list[Heart] = []

    def ended() -> None:
        for each in heart:
            each.now()

    commands = Commands(Work(node, trust, power), ended)
    tls = _certificates(config)
    server = Server(("0.0.0.0", PORT), handler(commands, token), tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "http" if tls is None else "https"
    body = {
        "callback_url": f"{scheme}://{own_address(config['api'])}:{PORT}",
        "agent_version": VERSION,
        "agent_token": token,
    }
    if tls is not None:
        body["agent_verify_ca"] = config["certificate"]
    say(f"node {node['uuid']} at {body['callback_url']}")
    heart.append(Heart(api, node["uuid"], body, float(settings.get("heartbeat_timeout") or 300)))
    heart[0].beat()


if __name__ == "__main__":
    main()
