"""The rest of the API by the stock client's library, python-designateclient."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from designateclient import exceptions
from designateclient.v2.client import Client

from tests.support.served import ServedCloud, served_cloud

FILE = """$ORIGIN imported.test.
$TTL 300
@ SOA ns.imported.test. admin.imported.test. 7 3600 600 86400 300
www A 192.0.2.2
www A 192.0.2.3
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("dns") / "data") as served:
        yield served


def until(what: Any, accept: Any) -> Any:
    end = time.monotonic() + 10
    while not accept(found := what()):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def test_imports_exports_and_pages(cloud: ServedCloud) -> None:
    demo = Client(session=cloud.session("demo"))
    asked = demo.zone_imports.create(FILE)
    assert asked["status"] == "PENDING"
    done = until(
        lambda: demo.zone_imports.get_import_record(asked["id"]),
        lambda found: found["status"] != "PENDING",
    )
    assert done["status"] == "COMPLETE"
    zone = until(
        lambda: demo.zones.get("imported.test."), lambda found: found["status"] == "ACTIVE"
    )
    assert [each["hostname"] for each in demo.zones.nameservers(zone["id"])] == [
        "ns1.cumulo.internal."
    ]
    for number in range(25):
        name = f"n{number:02}"
        demo.recordsets.create("imported.test.", name, "A", ["192.0.2.1"])
    pages, criterion = 0, {"sort_key": "name"}
    names: list[str] = []
    while True:
        found = demo.recordsets.list(zone["id"], criterion=criterion, limit=10)
        names += [each["name"] for each in found]
        pages += 1
        if not found.next_page:
            break
        criterion = {**criterion, "marker": found.next_link_criterion["marker"]}
    assert pages == 3 and len(names) == 28 and names == sorted(names)
    exported = demo.zone_exports.create(zone["id"])
    until(
        lambda: demo.zone_exports.get_export_record(exported["id"]),
        lambda found: found["status"] == "COMPLETE",
    )
    text = demo.zone_exports.get_export(exported["id"])
    assert "www.imported.test. 300 IN A 192.0.2.3" in text
    with pytest.raises(exceptions.Conflict) as twice:
        demo.recordsets.create("imported.test.", "n01", "A", ["192.0.2.1"])
    assert twice.value.type == "duplicate_recordset"
    with pytest.raises(exceptions.BadRequest) as wrong:
        demo.recordsets.create("imported.test.", "txt", "TXT", ["v=spf1 -all"])
    assert "in double quotes" in str(wrong.value)
    demo.zones.delete(zone["id"])
    until(demo.zones.list, lambda found: found == [])


def test_between_projects_and_for_administrators(cloud: ServedCloud) -> None:
    demo = Client(session=cloud.session("demo"))
    admin = Client(session=cloud.session("admin"))
    everybody = Client(session=cloud.session("admin"), all_projects=True)
    theirs = cloud.session("admin").get_project_id()
    zone = demo.zones.create("given.test.", email="a@given.test")
    share = demo.zone_share.create(zone["id"], theirs)
    assert [each["name"] for each in admin.zones.list()] == ["given.test."]
    demo.zone_share.delete(zone["id"], share["id"])
    offer = demo.zone_transfers.create_request(zone["id"], theirs, "take it")
    admin.zone_transfers.accept_request(offer["id"], offer["key"])
    assert admin.zones.get(zone["id"])["project_id"] == theirs
    assert demo.zones.list() == []
    assert everybody.pools.list()[0]["name"] == "default"
    tld = admin.tlds.create("test")
    admin.blacklists.create("^bad", "no")
    with pytest.raises(exceptions.BadRequest):
        demo.zones.create("bad.test.", email="a@b.test")
    with pytest.raises(exceptions.Forbidden):
        demo.tlds.list()
    admin.tlds.delete(tld["id"])
    quotas = everybody.quotas.update(theirs, {"zones": 3})
    assert quotas["zones"] == 3
    key = admin.tsigkeys.create("k", "hmac-sha256", "c2VjcmV0", "ZONE", zone["id"])
    assert admin.tsigkeys.get(key["id"])["secret"] == "c2VjcmV0"
    names = {each["service_name"] for each in admin.service_statuses.list()}
    assert {"central", "mdns", "worker", "producer"} <= names
    assert demo.limits.get()["max_zones"] == 10
    admin.zones.abandon(zone["id"])
    with pytest.raises(exceptions.NotFound):
        admin.zones.get(zone["id"])


def test_the_name_of_a_floating_ip(cloud: ServedCloud) -> None:
    session = cloud.session("demo")
    demo = Client(session=session)
    network = {"service_type": "network"}
    public = session.get("/v2.0/networks?name=public", endpoint_filter=network).json()
    body = {"floatingip": {"floating_network_id": public["networks"][0]["id"]}}
    made = session.post("/v2.0/floatingips", json=body, endpoint_filter=network).json()
    key = f"RegionOne:{made['floatingip']['id']}"
    assert demo.floatingips.set(key, "www.example.org.")["status"] == "PENDING"
    found = until(lambda: demo.floatingips.get(key), lambda each: each["status"] == "ACTIVE")
    assert found["ptrdname"] == "www.example.org."
    assert [each["id"] for each in demo.floatingips.list()] == [key]
    demo.floatingips.unset(key)
    assert demo.floatingips.get(key)["ptrdname"] is None
