"""Machines by Redfish and an agent, and what happens when one of them, or a tenant, means no good.

The machines are threads (`tests/support/metal.py`); all that is spoken is real.
"""

import hashlib
import http.server
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from keystoneauth1.session import Session

from cumulo.baremetal.drivers.media import ISOLINUX
from cumulo.baremetal.ramdisk.agent.commands import Commands, handler
from tests.support.metal import FakeMachine, Lies, Metal, small_image
from tests.support.served import ServedCloud, served_cloud

pytestmark = pytest.mark.skipif(
    shutil.which("xorriso") is None or not ISOLINUX.exists(), reason="needs xorriso and isolinux"
)
NEWEST = {"X-OpenStack-Ironic-API-Version": "1.112"}


class Lab:
    def __init__(self, cloud: ServedCloud, metal: Metal) -> None:
        self.cloud = cloud
        self.metal = metal
        self.sessions = {name: cloud.session(name) for name in ("admin", "demo")}
        self.image = self.upload("admin", "public")
        self.free = list(metal.machines)

    def ask(
        self, method: str, path: str, json_: Any = None, *, who: str | None = "admin", status: int
    ) -> Any:
        session = Session() if who is None else self.sessions[who]
        answer = session.request(
            f"{self.cloud.url}/baremetal/v1{path}", method, json=json_, headers=NEWEST,
            authenticated=who is not None, raise_exc=False,
        )  # fmt: skip
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content and "json" in answer.headers["Content-Type"] else {}

    def upload(self, who: str, visibility: str) -> str:
        session, url = self.sessions[who], f"{self.cloud.url}/image/v2/images"
        wish = {"disk_format": "raw", "container_format": "bare", "visibility": visibility}
        made = session.post(url, json={"name": "small", **wish}).json()
        kind = {"Content-Type": "application/octet-stream"}
        session.put(f"{url}/{made['id']}/file", data=small_image(), headers=kind)
        return str(made["id"])

    def enrolled(self, **more: Any) -> tuple[FakeMachine, str]:
        """A machine as an available node, cleaned by nobody."""
        machine = self.free.pop()
        wish = {**self.metal.node(machine), "automated_clean": False, **more}
        node = str(self.ask("POST", "/nodes", wish, status=201)["uuid"])
        for verb, state in (("manage", "manageable"), ("provide", "available")):
            self.provision(node, verb)
            self.until(node, state)
        return machine, node

    def choose(self, node: str, **info: Any) -> None:
        value = {"image_source": self.image, **info}
        changes = [{"op": "add", "path": "/instance_info", "value": value}]
        self.ask("PATCH", f"/nodes/{node}", changes, status=200)

    def provision(self, node: str, verb: str, *, status: int = 202, **more: Any) -> Any:
        wish = {"target": verb, **more}
        return self.ask("PUT", f"/nodes/{node}/states/provision", wish, status=status)

    def until(self, node: str, state: str, seconds: float = 40) -> Any:
        end = time.monotonic() + seconds
        while (found := self.ask("GET", f"/nodes/{node}", status=200))["provision_state"] != state:
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("metal")
    with Metal(folder / "machines", 20) as metal:
        table = "".join(f"{k} = {json.dumps(v)}\n" for k, v in metal.settings.items())
        more = "[baremetal]\ncallback_timeout = 10\npower_seconds = 1\n"
        with served_cloud(folder / "data", settings=more + table) as cloud:
            yield Lab(cloud, metal)


def test_deployed_by_id_and_given_back(lab: Lab) -> None:
    machine, node = lab.enrolled()
    lab.choose(node)
    drive = {"meta_data": {"hostname": "iron"}, "user_data": "#!/bin/sh\n"}
    lab.provision(node, "active", configdrive=drive)
    found = lab.until(node, "active")
    assert found["instance_info"]["configdrive"] == "******"
    assert found["driver_internal_info"] == {} and found["power_state"] == "power on"
    assert machine.disk.read_bytes()[64 * 512 :].startswith(b"hello, iron")
    changes = [{"op": "add", "path": "/automated_clean", "value": True}]
    lab.ask("PATCH", f"/nodes/{node}", changes, status=200)
    lab.provision(node, "deleted")
    assert lab.until(node, "available")["instance_info"] == {}
    assert not any(machine.disk.read_bytes())
    data = lab.cloud.data / "cumulo.db"
    assert b"bmc-secret" not in data.read_bytes()


def test_inspected_out_of_band(lab: Lab) -> None:
    machine = lab.free.pop()
    node = lab.ask("POST", "/nodes", lab.metal.node(machine), status=201)["uuid"]
    lab.provision(node, "manage")
    lab.until(node, "manageable")
    lab.provision(node, "inspect")
    time.sleep(0.2)
    found = lab.until(node, "manageable")
    assert found["properties"]["memory_mb"] == 512 and found["properties"]["local_gb"] == 4
    [port] = lab.ask("GET", f"/nodes/{node}/ports", status=200)["ports"]
    assert port["address"] == machine.made.mac
    bios = lab.ask("GET", f"/nodes/{node}/bios/BootMode", status=200)
    assert bios["BootMode"]["value"] == "LegacyBios"
    lab.ask("PUT", f"/nodes/{node}/management/inject_nmi", {}, status=204)
    light = f"/nodes/{node}/management/indicators/system/led"
    lab.ask("PUT", light, {"state": "BLINKING"}, status=204)
    assert lab.ask("GET", light, status=200) == {"state": "BLINKING"}


def test_inspected_by_the_agent_and_rules(lab: Lab) -> None:
    machine = lab.free.pop()
    wish = {**lab.metal.node(machine), "inspect_interface": "agent"}
    node = lab.ask("POST", "/nodes", wish, status=201)["uuid"]
    rules = [
        {
            "priority": 9,
            "conditions": [{"op": "gt", "args": ["{inventory[cpu][count]}", 0]}],
            "actions": [
                {"op": "set-attribute", "args": ["/extra/arch", "{inventory[cpu][architecture]}"]},
                {"op": "add-trait", "args": ["CUSTOM_SEEN"]},
                {"op": "set-capability", "args": ["boot_mode", "bios"]},
            ],
        },
        {
            "priority": 1,
            "conditions": [{"op": "eq", "args": ["{node.name}", "another"]}],
            "actions": [{"op": "fail", "args": ["not ours"]}],
        },
    ]
    made = [lab.ask("POST", "/inspection_rules", each, status=201)["uuid"] for each in rules]
    lab.provision(node, "manage")
    lab.until(node, "manageable")
    lab.ask("GET", f"/nodes/{node}/inventory", status=404)
    lab.provision(node, "inspect")
    wait_for(lambda: lab.ask("GET", f"/nodes/{node}", status=200), "inspection_finished_at")
    found = lab.until(node, "manageable")
    assert found["extra"]["arch"] == "x86_64" and found["traits"] == ["CUSTOM_SEEN"]
    assert found["properties"]["capabilities"] == "boot_mode:bios"
    assert found["power_state"] == "power off" and found["inspection_finished_at"]
    inventory = lab.ask("GET", f"/nodes/{node}/inventory", status=200)["inventory"]
    assert inventory["cpu"]["count"] >= 1 and "memory" in inventory
    named = [{"op": "add", "path": "/name", "value": "another"}]
    lab.ask("PATCH", f"/nodes/{node}", named, status=200)
    lab.provision(node, "inspect")
    assert "not ours" in lab.until(node, "inspect failed")["last_error"]
    for each in made:
        lab.ask("DELETE", f"/inspection_rules/{each}", status=204)


def test_cleaned_by_hand(lab: Lab) -> None:
    machine, node = lab.enrolled()
    machine.disk.write_bytes(b"secret" * 20 + bytes(70 << 20) + b"more")
    lab.provision(node, "manage")
    steps = [{"interface": "deploy", "step": "erase_devices_metadata"}]
    lab.provision(node, "clean", clean_steps=steps)
    lab.until(node, "manageable")
    assert not any(machine.disk.read_bytes()[: 1 << 20])
    lab.provision(node, "clean", clean_steps=[{"interface": "deploy", "step": "brew_coffee"}])
    assert "brew_coffee" in lab.until(node, "clean failed")["last_error"]
    lab.provision(node, "manage")
    wrong = [{"interface": "raid", "step": "create_configuration"}]
    lab.choose(node)
    plan = [{"interface": "deploy", "step": "x", "args": {}, "priority": 1}]
    lab.provision(node, "provide")
    lab.until(node, "available")
    lab.provision(node, "active", deploy_steps=plan)
    assert "no deploy step x" in lab.until(node, "deploy failed")["last_error"]
    plan = [{"interface": "deploy", "step": "erase_devices_metadata", "args": {}, "priority": 90}]
    lab.provision(node, "active", deploy_steps=plan)
    lab.until(node, "active")
    assert machine.disk.read_bytes()[64 * 512 :].startswith(b"hello, iron")
    lab.provision(node, "deleted")
    lab.until(node, "available")
    lab.provision(node, "manage")
    lab.provision(node, "clean", clean_steps=wrong, status=400)


def test_power_that_nobody_asked_for(lab: Lab) -> None:
    machine, node = lab.enrolled()
    machine.power_on(0)
    end = time.monotonic() + 15
    while lab.ask("GET", f"/nodes/{node}", status=200)["power_state"] != "power on":
        assert time.monotonic() < end
        time.sleep(0.1)
    info = {"op": "add", "path": "/driver_info/redfish_password", "value": "changed"}
    lab.ask("PATCH", f"/nodes/{node}", [info], status=200)
    while (found := lab.ask("GET", f"/nodes/{node}", status=200))["fault"] != "power failure":
        assert time.monotonic() < end + 15
        time.sleep(0.1)
    assert found["maintenance"] and "password" in found["last_error"]
    [told, *_] = lab.ask("GET", f"/nodes/{node}/history?detail=true", status=200)["history"]
    assert told["event_type"] == "power" and "changed" not in told["event"]
    info["value"] = "bmc-secret"
    lab.ask("PATCH", f"/nodes/{node}", [info], status=200)
    while lab.ask("GET", f"/nodes/{node}", status=200)["maintenance"]:
        assert time.monotonic() < end + 30
        time.sleep(0.1)


# --- machines that lie ---------------------------------------------------------------------------


def deploy(lab: Lab, lies: Lies) -> tuple[FakeMachine, str]:
    machine, node = lab.enrolled()
    machine.lies = lies
    lab.choose(node)
    lab.provision(node, "active")
    return machine, node


def test_an_agent_that_never_calls(lab: Lab) -> None:
    _, node = deploy(lab, Lies(silent=True))
    found = lab.until(node, "deploy failed")
    assert "no agent has called within 10 seconds" in found["last_error"]


def test_a_node_that_goes_while_it_boots(lab: Lab) -> None:
    machine, node = deploy(lab, Lies(silent=True))
    lab.until(node, "wait call-back")
    assert list((lab.cloud.data / "baremetal" / "media").glob(f"{node}*"))
    lab.ask("DELETE", f"/nodes/{node}", status=409)
    lab.ask("PUT", f"/nodes/{node}/maintenance", {}, status=202)
    lab.ask("DELETE", f"/nodes/{node}", status=204)
    assert not list((lab.cloud.data / "baremetal" / "media").glob(f"{node}*"))


def test_heartbeats_that_are_refused(lab: Lab) -> None:
    """Without the token, and with it from where no agent may be."""
    machine, node = deploy(lab, Lies(token="guessed"))
    lab.until(node, "wait call-back")
    agent = wait_for(lambda: vars(machine), "agent")["agent"]
    wait_for(lambda: vars(agent), "refused")
    assert "Invalid or missing agent token" in agent.refused[0]
    beat = {"callback_url": "https://127.0.0.1:1", "agent_version": "1"}
    for token in ({}, {"agent_token": "guessed"}, {"agent_token": "******"}):
        lab.ask("POST", f"/heartbeat/{node}", {**beat, **token}, who=None, status=400)
    beat["agent_token"] = agent.told["token"]
    for url in (
        "http://169.254.169.254:80", "https://10.0.0.1:9999", "http://127.0.0.1:99/v1/x",
        "file:///etc/passwd", "http://127.0.0.1", "http://u:p@127.0.0.1:9", "http://localhost:9",
        "http://127.0.0.1:99999999", "http://[::1]:9999",
    ):  # fmt: skip
        lab.ask("POST", f"/heartbeat/{node}", {**beat, "callback_url": url}, who=None, status=400)
    lab.provision(node, "abort")
    found = lab.until(node, "deploy failed")
    assert "aborted" in found["last_error"]
    # Its boot is over, and its token with it.
    lab.ask("POST", f"/heartbeat/{node}", beat, who=None, status=409)
    lab.ask("GET", f"/lookup?node_uuid={node}", who=None, status=404)


def test_an_agent_that_talks_nonsense(lab: Lab) -> None:
    """Huge answers, answers that are no JSON, statuses that there are not."""

    def front(commands: Commands, token: str) -> Any:
        class Nonsense(handler(commands, token)):  # type: ignore[misc]
            def do_POST(self) -> None:
                self._say(200, {"command_status": "EXPLODED", "id": {"a": [1] * 1000}})

        return Nonsense

    _, node = deploy(lab, Lies(front=front))
    assert "EXPLODED" in lab.until(node, "deploy failed")["last_error"]


def test_an_agent_that_claims_what_it_did_not_do(lab: Lab) -> None:
    """A wrong image is found by the agent's own check: of one that lies about that, nothing can be
    known but what it says. But it cannot make the cloud write another image."""
    machine, node = lab.enrolled()
    url, other = f"{lab.metal.address}/redfish/v1", hashlib.sha256(b"other").hexdigest()
    lab.choose(node, image_source=url, image_os_hash_algo="sha256", image_os_hash_value=other)
    lab.provision(node, "active")
    assert "another sha256 checksum" in lab.until(node, "deploy failed")["last_error"]


def test_boot_by_the_network(lab: Lab) -> None:
    """Scripts and images for the card of a machine that is expected, and for no other."""
    machine, node = lab.enrolled(boot_interface="ipxe")
    address = machine.made.mac.replace(":", "-")
    session, base = Session(), f"{lab.cloud.url}/baremetal/v1/agent"
    assert "chain boot/" in session.get(f"{base}/boot.ipxe").text
    lab.ask("GET", f"/agent/boot/{address}", who=None, status=404)
    lab.ask("POST", "/ports", {"node_uuid": node, "address": machine.made.mac}, status=201)
    lab.ask("GET", f"/agent/boot/{address}", who=None, status=404)
    lab.choose(node)
    lab.provision(node, "active")
    lab.until(node, "wait call-back")
    script = session.get(f"{base}/boot/{address}").text
    assert script.startswith("#!ipxe\nkernel http") and "initrd --name told.img" in script
    told = next(line.split()[-1] for line in script.splitlines() if line.endswith("told.img"))
    assert b'{"api":' in session.get(told).content
    kernel = told.replace("told.img", "vmlinuz")
    assert session.get(kernel).content == b"nothing"
    for odd in ("passwd", "..%2f..%2fetc%2fpasswd", "key"):
        answer = session.get(told.replace("told.img", odd), raise_exc=False)
        assert answer.status_code == 404
    assert machine.board().media == "" and machine.is_on()
    lab.provision(node, "abort")
    lab.until(node, "deploy failed")
    assert session.get(told, raise_exc=False).status_code == 404
    lab.ask("GET", f"/agent/boot/{address}", who=None, status=404)


def test_lookups_tell_nothing(lab: Lab) -> None:
    machine, node = lab.enrolled()
    told = set()
    for asked in (
        f"node_uuid={node}",
        "node_uuid=11111111-1111-4111-8111-111111111111",
        f"addresses={machine.made.mac}",
        "addresses=52:54:00:12:34:56,52:54:00:12:34:57",
    ):
        told.add(str(lab.ask("GET", f"/lookup?{asked}", who=None, status=404)))
    assert len(told) == 1
    lab.ask("GET", "/lookup", who=None, status=400)
    lab.ask("GET", "/lookup?addresses=nonsense-of-17-xx", who=None, status=400)
    lab.ask("GET", f"/agent/{node}/guess/boot.iso", who=None, status=404)
    lab.ask("GET", f"/agent/{node}/guess/image", who=None, status=404)


class Liar(http.server.BaseHTTPRequestHandler):
    """A BMC whose links lead to somebody else."""

    elsewhere = ""
    asked: list[str] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        link = {"@odata.id": f"{self.elsewhere}/redfish/v1/Systems"}
        body = {"Id": "R", "RedfishVersion": "1.0.0", "Systems": link, "Links": {}}
        raw = json.dumps(body).encode()
        if self.path.endswith("large"):
            raw = b"[" + b"1," * (4 << 20) + b"1]"
        self.send_response(302 if self.path.endswith("moved") else 200)
        self.send_header("Location", f"{self.elsewhere}/redfish/v1/")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.mark.parametrize("system", [None, "/redfish/v1/moved", "/redfish/v1/large"])
def test_a_bmc_that_leads_elsewhere(lab: Lab, system: str | None) -> None:
    asked: list[str] = []
    canary = type("Canary", (Liar,), {"asked": asked})
    there = http.server.ThreadingHTTPServer(("127.0.0.1", 0), canary)
    liar = type("L", (Liar,), {"elsewhere": f"http://127.0.0.1:{there.server_port}", "asked": []})
    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), liar)
    for server in (there, here):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    info = {"redfish_address": f"http://127.0.0.1:{here.server_port}"}
    info |= {} if system is None else {"redfish_system_id": system}
    wish = {"driver": "redfish", "driver_info": info}
    node = lab.ask("POST", "/nodes", wish, status=201)["uuid"]
    lab.provision(node, "manage")
    found = wait_for(lambda: lab.ask("GET", f"/nodes/{node}", status=200), "last_error")
    assert "another place" in found["last_error"] or "more than" in found["last_error"]
    assert asked == []
    for server in (there, here):
        server.shutdown()
        server.server_close()


def wait_for(look: Callable[[], Any], name: str, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (found := look())[name]:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254", "http://10.1.2.3:8000", "http://[::1]:8000"]
)
def test_a_bmc_where_none_is_allowed(lab: Lab, address: str) -> None:
    wish = {"driver": "redfish", "driver_info": {"redfish_address": address}}
    node = lab.ask("POST", "/nodes", wish, status=201)["uuid"]
    lab.provision(node, "manage")
    found = wait_for(lambda: lab.ask("GET", f"/nodes/{node}", status=200), "last_error")
    assert found["provision_state"] == "enroll" and "bmc_networks" in found["last_error"]


# --- tenants -------------------------------------------------------------------------------------


def test_a_lessee_works_with_a_node_and_no_more(lab: Lab) -> None:
    demo = lab.sessions["demo"].get_project_id()
    machine, node = lab.enrolled()
    lab.ask("GET", f"/nodes/{node}", who="demo", status=404)
    lease = [{"op": "add", "path": "/lessee", "value": demo}]
    lab.ask("PATCH", f"/nodes/{node}", lease, status=200)
    assert lab.ask("GET", f"/nodes/{node}", who="demo", status=200)["lessee"] == demo
    assert len(lab.ask("GET", "/nodes", who="demo", status=200)["nodes"]) == 1
    for path, value in (
        ("/driver_info/redfish_address", "http://127.0.0.1:1"),
        ("/owner", demo),
        ("/lessee", None),
        ("/name", "mine"),
        ("/properties/root_device", {"name": "/dev/vda"}),
        ("/deploy_interface", "direct"),
        ("/driver", "fake-hardware"),
    ):
        changes = [{"op": "add", "path": path, "value": value}]
        lab.ask("PATCH", f"/nodes/{node}", changes, who="demo", status=403)
    vmedia = {"device_type": "cdrom", "image_url": "http://127.0.0.1/x.iso"}
    lab.ask("POST", f"/nodes/{node}/vmedia", vmedia, who="demo", status=403)
    lab.ask("PUT", f"/nodes/{node}/traits/CUSTOM_A", who="demo", status=403)
    lab.ask("DELETE", f"/nodes/{node}", who="demo", status=403)
    private = lab.upload("admin", "private")
    for source, status in ((private, 400), (lab.image, 202)):
        changes = [{"op": "add", "path": "/instance_info/image_source", "value": source}]
        lab.ask("PATCH", f"/nodes/{node}", changes, who="demo", status=200)
        wish = {"target": "active"}
        lab.ask("PUT", f"/nodes/{node}/states/provision", wish, who="demo", status=status)
    found = lab.until(node, "active")
    assert "bmc-secret" not in str(found) and machine.boots == 2
    told = str(lab.ask("GET", f"/nodes/{node}", who="demo", status=200))
    assert "bmc-secret" not in told


def test_allocations_of_a_tenant_are_of_its_nodes(lab: Lab) -> None:
    demo = lab.sessions["demo"].get_project_id()
    kind = {"driver": "fake-hardware", "resource_class": "iron", "automated_clean": False}
    for owner in (None, demo):
        node = lab.ask("POST", "/nodes", {**kind, "owner": owner}, status=201)["uuid"]
        for verb, state in (("manage", "manageable"), ("provide", "available")):
            lab.provision(node, verb)
            lab.until(node, state)
    wish = {"resource_class": "iron"}
    for state in ("active", "error"):
        made = lab.ask("POST", "/allocations", wish, who="demo", status=201)
        assert made["owner"] == demo
        end = time.monotonic() + 10
        while (found := lab.ask("GET", f"/allocations/{made['uuid']}", who="demo", status=200))[
            "state"
        ] == "allocating":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert found["state"] == state
    lab.ask("POST", "/allocations", {**wish, "owner": "other"}, who="demo", status=403)
    theirs = lab.ask("POST", "/allocations", wish, status=201)["uuid"]
    lab.ask("GET", f"/allocations/{theirs}", who="demo", status=404)
    lab.ask("DELETE", f"/allocations/{theirs}", who="demo", status=404)
