"""The tables of states: what the API says, from what is wished, where, and what was seen."""

import pytest

from cumulo.network.model.floatingip import floatingip_status
from cumulo.network.model.port import FLOATING_IP, ROUTER_INTERFACE, port_status
from cumulo.network.model.router import router_status


@pytest.mark.parametrize(
    ("host", "up", "owner", "observed", "status"),
    [
        (None, True, "", None, "DOWN"),
        (None, True, "", "ACTIVE", "DOWN"),
        ("h", True, "compute:nova", None, "DOWN"),
        ("h", True, "compute:nova", "DOWN", "DOWN"),
        ("h", True, "compute:nova", "ACTIVE", "ACTIVE"),
        ("h", False, "compute:nova", "ACTIVE", "DOWN"),
        (None, True, FLOATING_IP, None, "N/A"),
        ("h", True, ROUTER_INTERFACE, "DOWN", "ACTIVE"),
        ("h", True, ROUTER_INTERFACE, None, "DOWN"),
        (None, True, ROUTER_INTERFACE, "ACTIVE", "DOWN"),
    ],
)
def test_port(host: str | None, up: bool, owner: str, observed: str | None, status: str) -> None:
    found = port_status(host_id=host, admin_state_up=up, role=owner, observed=observed)
    assert found == status


def test_a_port_with_a_fault_is_down() -> None:
    for owner in ("compute:nova", ROUTER_INTERFACE):
        found = port_status(
            host_id="h", admin_state_up=True, role=owner, observed="DOWN", fault="broken"
        )
        assert found == "DOWN"


@pytest.mark.parametrize(
    ("port", "observed", "fault", "status"),
    [
        (None, None, None, "DOWN"),
        (None, "ACTIVE", None, "DOWN"),
        ("p", None, None, "DOWN"),
        ("p", "DOWN", None, "DOWN"),
        ("p", "ACTIVE", None, "ACTIVE"),
        ("p", "DOWN", "no gateway", "ERROR"),
    ],
)
def test_floatingip(port: str | None, observed: str | None, fault: str | None, status: str) -> None:
    assert floatingip_status(leads_to=port, observed=observed, fault=fault) == status


def test_router() -> None:
    assert router_status(fault=None) == "ACTIVE"
    assert router_status(fault="no namespace") == "ERROR"
