"""A machine's life by the stock command line, on simulated hardware."""

from collections.abc import Iterator

import pytest

from tests.support.served import served_cloud
from tests.support.stock import StockClient

WAIT = ("--wait", "30", "metal-1")


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockClient]:
    with served_cloud(tmp_path_factory.mktemp("metal") / "data") as cloud:
        yield StockClient(cloud, "admin")


def state(admin: StockClient) -> str:
    node = admin.json("baremetal", "node", "show", "metal-1")
    return f"{node['provision_state']}, {node['power_state']}"


def test_a_nodes_life(admin: StockClient) -> None:
    def node(verb: str, *arguments: str) -> str:
        return admin.openstack("baremetal", "node", verb, *arguments)

    made = admin.json(
        "baremetal", "node", "create", "--driver", "fake-hardware", "--name", "metal-1",
        "--driver-info", "fake_password=hunter2", "--driver-info", "fake_delay=0.1",
    )  # fmt: skip
    assert made["provision_state"] == "enroll"
    assert made["driver_info"]["fake_password"] == "******"
    node("manage", *WAIT)
    node("inspect", *WAIT)
    [port] = admin.json("baremetal", "port", "list", "--node", "metal-1")
    assert port["address"].startswith("52:54:00:")
    node("add", "trait", "metal-1", "CUSTOM_GPU")
    node("provide", *WAIT)
    assert state(admin) == "available, power off"
    node("deploy", *WAIT)
    assert state(admin) == "active, power on"
    node("boot", "device", "set", "metal-1", "pxe", "--persistent")
    assert admin.json("baremetal", "node", "boot", "device", "show", "metal-1") == {
        "boot_device": "pxe", "persistent": True,
    }  # fmt: skip
    node("undeploy", *WAIT)
    assert state(admin) == "available, power off"
    [listed] = admin.json("baremetal", "node", "list", "--provision-state", "available")
    assert listed["name"] == "metal-1"
    drivers = [each["name"] for each in admin.json("baremetal", "driver", "list")]
    assert drivers == ["fake-hardware", "ipmi", "redfish"]
    node("delete", "metal-1")
    assert admin.json("baremetal", "node", "list") == []
    database = admin.cloud.data / "cumulo.db"
    assert database.exists() and b"hunter2" not in database.read_bytes()


def test_what_fails_is_said(admin: StockClient) -> None:
    admin.openstack(
        "baremetal", "node", "create", "--driver", "fake-hardware", "--name", "metal-1",
        "--driver-info", "fake_fault=power",
    )  # fmt: skip
    said = admin.openstack("baremetal", "node", "manage", *WAIT, fails=True)
    assert "failed to reach state manageable" in said
    node = admin.json("baremetal", "node", "show", "metal-1")
    assert "fake_fault: power fails" in node["last_error"]
    said = admin.openstack("baremetal", "node", "deploy", "metal-1", fails=True)
    assert "can not be performed" in said
    admin.openstack("baremetal", "node", "delete", "metal-1")
