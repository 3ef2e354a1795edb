"""Placement as its own command-line plug-in (osc-placement) uses it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.served import served_cloud
from tests.support.stock import StockClient

RACK, CARD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
POOL, CONSUMER = "33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"
COMMANDS = f"""
resource class create CUSTOM_CARD
resource class list -f json
trait create CUSTOM_FAST
trait list --name startswith:CUSTOM_ -f json
resource provider create rack --uuid {RACK} -f json
resource provider create card --uuid {CARD} --parent-provider {RACK} -f json
resource provider inventory set {RACK} --resource VCPU=8 --resource MEMORY_MB=1024 -f json
resource provider inventory set {CARD} --resource CUSTOM_CARD=2 --resource CUSTOM_CARD:max_unit=2
resource provider trait set {CARD} --trait CUSTOM_FAST -f json
resource provider aggregate set {RACK} --aggregate {POOL} --generation 1 -f json
resource provider list --in-tree {RACK} --required CUSTOM_FAST -f json
allocation candidate list --resource VCPU=2 --member-of {POOL} --limit 1 -f json
allocation candidate list --group 1 --resource CUSTOM_CARD=1 --required CUSTOM_FAST -f json
resource provider allocation set {CONSUMER} --allocation rp={RACK},VCPU=2 \
 --allocation rp={CARD},CUSTOM_CARD=1 --project-id p --user-id u --consumer-type INSTANCE -f json
resource provider show --allocations {CARD} -f json
resource provider usage show {RACK} -f json
resource usage show p -f json
resource provider allocation unset {CONSUMER} --provider {CARD} -f json
resource provider allocation delete {CONSUMER}
resource provider inventory delete {CARD} --resource-class CUSTOM_CARD
resource provider delete {CARD}
resource provider delete {RACK}
resource provider list --name rack -f json
resource class delete CUSTOM_CARD
"""


def answers(text: str) -> list[Any]:
    """The JSON documents in what a client printed."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        if text[at] in "[{":
            value, at = decoder.raw_decode(text, at)
            found.append(value)
        else:
            at += 1
    return found


def test_the_plug_in_of_placement(tmp_path: Path) -> None:
    with served_cloud(tmp_path / "data") as cloud:
        admin = StockClient(cloud, "admin")
        # One process for all commands: each start of the client costs a second.
        done = subprocess.run(
            ["openstack"],
            input=COMMANDS.replace(" \\\n", ""),
            env=admin.environment | {"OS_PLACEMENT_API_VERSION": "1.39"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stderr == "", done.stdout
    found = iter(answers(done.stdout))
    assert {"name": "CUSTOM_CARD"} in next(found)
    assert next(found) == [{"name": "CUSTOM_FAST"}]
    rack, card = next(found), next(found)
    assert (rack["uuid"], rack["root_provider_uuid"]) == (RACK, RACK)
    assert (card["parent_provider_uuid"], card["root_provider_uuid"]) == (RACK, RACK)
    assert {each["resource_class"] for each in next(found)} == {"VCPU", "MEMORY_MB"}
    assert next(found) == [{"name": "CUSTOM_FAST"}]
    assert next(found) == [{"uuid": POOL}]
    assert [each["name"] for each in next(found)] == ["card"]
    (candidate,) = next(found)
    assert (candidate["allocation"], candidate["resource provider"]) == ("VCPU=2", RACK)
    (candidate,) = next(found)
    assert candidate["resource provider"] == CARD and "CUSTOM_FAST" in candidate["traits"]
    assert {each["resource_provider"] for each in next(found)} == {RACK, CARD}
    assert next(found)["allocations"][CONSUMER]["resources"] == {"CUSTOM_CARD": 1}
    assert {"resource_class": "VCPU", "usage": 2} in next(found)
    by_type = {"consumer_count": 1, "CUSTOM_CARD": 1, "VCPU": 2}
    assert next(found) == [{"resource_class": "INSTANCE", "usage": by_type}]
    assert [each["resource_provider"] for each in next(found)] == [RACK]
    assert next(found) == []
    assert list(found) == []
