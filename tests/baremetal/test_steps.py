"""Steps that are asked for: of cleaning, deployment and service, held and unheld, on fake hardware
and, by Redfish and an agent, on a machine with a disk."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.baremetal.test_metal import Lab, lab
from tests.compute.test_metal import NODES, a_node, ask, is_in, run
from tests.support.cloud import TestCloud

__all__ = ["lab"]


def step(interface: str, name: str, **args: Any) -> dict[str, Any]:
    return {"interface": interface, "step": name, "args": args}


SETTINGS = [{"name": "ProcTurboMode", "value": "Disabled"}]
BIOS = step("bios", "apply_configuration", settings=SETTINGS)


async def provision(cloud: TestCloud, node: str, verb: str, status: int = 202, **more: Any) -> Any:
    path = f"{NODES}/{node}/states/provision"
    return await ask(cloud, "PUT", path, {"target": verb, **more}, status=status)


def fake(folder: Path, node: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(folder.rglob(f"fake/{node}*")).read_bytes())
    return found


def test_cleaned_by_hand_and_held(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await a_node(cloud, "m1")
        await provision(cloud, node, "manage")
        await is_in(cloud, node, "manageable")
        steps = [
            step("raid", "create_configuration"), step("deploy", "hold"), BIOS,
            step("power", "reboot"), step("deploy", "wait", seconds=1),
            step("bios", "factory_reset"), BIOS,
        ]  # fmt: skip
        before = fake(tmp_path, node)["reboots"]
        await provision(cloud, node, "clean", clean_steps=steps)
        held = await is_in(cloud, node, "clean hold")
        assert held["clean_step"] == {"interface": "deploy", "step": "hold", "args": {}}
        assert (held["reservation"], held["target_provision_state"]) == (None, "manageable")
        await asyncio.sleep(1.2)
        assert (await is_in(cloud, node, "clean hold"))["clean_step"]["step"] == "hold"
        await provision(cloud, node, "unhold")
        after = await is_in(cloud, node, "manageable")
        assert after["clean_step"] == {}
        machine = fake(tmp_path, node)
        assert (machine["bios"], machine["reboots"]) == ({"ProcTurboMode": "Disabled"}, before + 1)
        found = (await ask(cloud, "GET", f"{NODES}/{node}/bios"))["bios"]
        assert [(each["name"], each["value"]) for each in found] == [("ProcTurboMode", "Disabled")]
        # Given up while it is held.
        await provision(cloud, node, "clean", clean_steps=[step("deploy", "hold")])
        await is_in(cloud, node, "clean hold")
        await provision(cloud, node, "abort")
        await is_in(cloud, node, "clean failed")
        await provision(cloud, node, "unhold", 400)

    run(tmp_path, story)


def test_templates_of_a_deployment(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await a_node(cloud, "m1")
        template = {
            "name": "CUSTOM_QUIET",
            "steps": [
                BIOS | {"priority": 150},
                step("deploy", "hold") | {"priority": 90},
                step("raid", "apply_configuration") | {"priority": 0},
            ],
        }
        await ask(cloud, "POST", "/baremetal/v1/deploy_templates", template)
        await ask(cloud, "PUT", f"{NODES}/{node}/traits", {"traits": ["CUSTOM_QUIET"]})
        info = [{"op": "add", "path": "/instance_info/traits", "value": ["CUSTOM_OTHER"]}]
        await ask(cloud, "PATCH", f"{NODES}/{node}", info)
        assert "traits" in str(await provision(cloud, node, "active", 400))
        info[0]["value"] = ["CUSTOM_QUIET"]  # type: ignore[assignment]
        await ask(cloud, "PATCH", f"{NODES}/{node}", info)
        more = [{"interface": "raid", "step": "delete_configuration", "args": {}, "priority": 10}]
        await provision(cloud, node, "active", deploy_steps=more)
        held = await is_in(cloud, node, "deploy hold")
        assert held["deploy_step"]["step"] == "hold"
        machine = fake(tmp_path, node)
        assert machine["bios"] == {"ProcTurboMode": "Disabled"}
        assert machine["work"] != "deploy", "the image is not written before"
        await provision(cloud, node, "unhold")
        await is_in(cloud, node, "active")
        # Of the last step: 0 is bios, 1 the hold, 2 the image, 3 what was asked for beside.
        assert fake(tmp_path, node)["token"].endswith(" 3")

        await provision(cloud, node, "service", service_steps=[step("deploy", "hold"), BIOS])
        await is_in(cloud, node, "service hold")
        await provision(cloud, node, "unhold")
        await is_in(cloud, node, "active")

    run(tmp_path, story)


WRONG: list[Any] = [
    step("deploy", "wait"), step("deploy", "wait", seconds=99999), step("bios", "polish"),
    step("bios", "apply_configuration"), step("firmware", "update"), {"interface": "deploy"},
    step("bios", "apply_configuration", settings=[{"name": 7}]), {"step": 7, "interface": "x"},
    step("bios", "apply_configuration", settings=[{"name": "a", "value": {}}]),
    {"interface": "deploy", "step": "hold", "args": [1]}, BIOS | {"order": 1},
]  # fmt: skip


def test_steps_that_there_are_not(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        node = await a_node(cloud, "m1")
        await provision(cloud, node, "manage")
        await is_in(cloud, node, "manageable")
        for wrong in WRONG:
            await provision(cloud, node, "clean", 400, clean_steps=[wrong])
        await provision(cloud, node, "unhold", 400)
        assert (await is_in(cloud, node, "manageable"))["last_error"] is None

    run(tmp_path, story)


def test_a_machine_with_an_agent(lab: Lab) -> None:
    """BIOS settings through the BMC, disks through the agent, in the order that was asked for."""
    machine, node = lab.enrolled()
    lab.provision(node, "manage")
    lab.until(node, "manageable")
    erase = step("deploy", "erase_devices_metadata")
    lab.provision(node, "clean", clean_steps=[BIOS, erase, step("deploy", "hold"), erase])
    lab.until(node, "clean hold")
    assert machine.is_on() and machine.board().pending == {"ProcTurboMode": "Disabled"}
    lab.provision(node, "unhold")
    lab.until(node, "manageable")
    assert not machine.is_on()
    found = lab.ask("GET", f"/nodes/{node}/bios/ProcTurboMode", status=200)
    assert found["ProcTurboMode"]["value"] == "Disabled"
    wrong = step("bios", "apply_configuration", settings=[{"name": "NoSuch", "value": "1"}])
    lab.provision(node, "clean", clean_steps=[wrong])
    assert "NoSuch" in lab.until(node, "clean failed")["last_error"]
    lab.provision(node, "manage")
    # Without a ramdisk nothing is booted, and what an agent does cannot be asked for.
    boots = machine.boots
    lab.provision(node, "clean", status=400, clean_steps=[erase], disable_ramdisk=True)
    reset = step("bios", "factory_reset")
    lab.provision(node, "clean", clean_steps=[reset], disable_ramdisk=True)
    lab.until(node, "manageable")
    assert machine.boots == boots


def test_waits_and_holds_beside_an_agent(lab: Lab) -> None:
    """Its heart beats meanwhile; and a hold is no work of its own."""
    _, node = lab.enrolled()
    lab.provision(node, "manage")
    lab.until(node, "manageable")
    erase = step("deploy", "erase_devices_metadata")
    steps = [step("deploy", "wait", seconds=4), step("deploy", "hold"), erase]
    lab.provision(node, "clean", clean_steps=steps)
    end = time.monotonic() + 30
    while lab.ask("GET", f"/nodes/{node}", status=200)["clean_step"].get("step") != "wait":
        assert time.monotonic() < end
        time.sleep(0.05)
    began = time.monotonic()
    lab.until(node, "clean hold")
    assert time.monotonic() - began > 3
    with closing(sqlite3.connect(lab.cloud.data / "cumulo.db", timeout=20)) as database, database:
        long_ago = "2020-01-01T00:00:00.000000Z"
        changed = database.execute(
            "UPDATE baremetal_agents SET created_at = ? WHERE id = ?", (long_ago, node)
        )
        assert changed.rowcount == 1
    lab.provision(node, "unhold")
    lab.until(node, "manageable")
