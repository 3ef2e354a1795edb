"""Discovery: the versions of the compute API, and its extensions as they were once listed."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import Version

MINIMUM, MAXIMUM = Version(2, 1), Version(2, 104)

EXTENSIONS = (
    ("Multinic", "NMN"),
    ("DiskConfig", "OS-DCF"),
    ("ExtendedAvailabilityZone", "OS-EXT-AZ"),
    ("ExtendedServerAttributes", "OS-EXT-SRV-ATTR"),
    ("ExtendedStatus", "OS-EXT-STS"),
    ("FlavorDisabled", "OS-FLV-DISABLED"),
    ("FlavorExtraData", "OS-FLV-EXT-DATA"),
    ("SchedulerHints", "OS-SCH-HNT"),
    ("ServerUsage", "OS-SRV-USG"),
    ("AdminActions", "os-admin-actions"),
    ("Aggregates", "os-aggregates"),
    ("AttachInterfaces", "os-attach-interfaces"),
    ("AvailabilityZone", "os-availability-zone"),
    ("BlockDeviceMappingV2Boot", "os-block-device-mapping-v2-boot"),
    ("ConfigDrive", "os-config-drive"),
    ("ConsoleOutput", "os-console-output"),
    ("Evacuate", "os-evacuate"),
    ("FlavorAccess", "os-flavor-access"),
    ("FlavorExtraSpecs", "os-flavor-extra-specs"),
    ("FlavorManage", "os-flavor-manage"),
    ("Hosts", "os-hosts"),
    ("Hypervisors", "os-hypervisors"),
    ("Images", "image-size"),
    ("InstanceUsageAuditLog", "os-instance_usage_audit_log"),
    ("Consoles", "os-consoles"),
    ("CreateBackup", "os-create-backup"),
    ("DeferredDelete", "os-deferred-delete"),
    ("FloatingIps", "os-floating-ips"),
    ("FloatingIpPools", "os-floating-ip-pools"),
    ("LockServer", "os-lock-server"),
    ("MigrateServer", "os-migrate-server"),
    ("Migrations", "os-migrations"),
    ("MultipleCreate", "os-multiple-create"),
    ("Networks", "os-networks"),
    ("OSTenantNetworks", "os-tenant-networks"),
    ("PauseServer", "os-pause-server"),
    ("QuotaClasses", "os-quota-class-sets"),
    ("RemoteConsoles", "os-remote-consoles"),
    ("Rescue", "os-rescue"),
    ("SecurityGroups", "os-security-groups"),
    ("ServerDiagnostics", "os-server-diagnostics"),
    ("ServerExternalEvents", "os-server-external-events"),
    ("Shelve", "os-shelve"),
    ("SimpleTenantUsage", "os-simple-tenant-usage"),
    ("SuspendServer", "os-suspend-server"),
    ("InstanceActions", "os-instance-actions"),
    ("Keypairs", "os-keypairs"),
    ("Quotas", "os-quota-sets"),
    ("ServerGroups", "os-server-groups"),
    ("ServerPassword", "os-server-password"),
    ("Services", "os-services"),
    ("UserData", "os-user-data"),
    ("Volumes", "os-volumes"),
)


def _version(call: Call, id: str, path: str) -> dict[str, Any]:
    newest = id == "v2.1"
    return {
        "id": id,
        "status": "CURRENT" if newest else "SUPPORTED",
        "version": str(MAXIMUM) if newest else "",
        "min_version": str(MINIMUM) if newest else "",
        "updated": "2013-07-23T11:33:21Z" if newest else "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": f"{call.base_url}{path}/"}],
    }


def versions(call: Call) -> Any:
    known = [_version(call, "v2.0", "/v2"), _version(call, "v2.1", "/v2.1")]
    return Reply(200, {"versions": known})


def v2(call: Call) -> Any:
    return {"version": _detail(call, "v2.0", "/v2")}


def v21(call: Call) -> Any:
    return {"version": _detail(call, "v2.1", "/v2.1")}


def _detail(call: Call, id: str, path: str) -> dict[str, Any]:
    found = _version(call, id, path)
    about = {
        "rel": "describedby",
        "type": "text/html",
        "href": "http://docs.openstack.org/",
    }
    kind = f"application/vnd.openstack.compute+json;version={id.removeprefix('v')}"
    found["links"] = [*found["links"], about]
    found["media-types"] = [{"base": "application/json", "type": kind}]
    return found


def _extension(name: str, alias: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": name,
        "description": "",
        "links": [],
        "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
        "updated": "2014-12-03T00:00:00Z",
    }


def extensions(call: Call, tx: Tx) -> Any:
    return {"extensions": [_extension(name, alias) for name, alias in EXTENSIONS]}


def extension(call: Call, tx: Tx) -> Any:
    for name, alias in EXTENSIONS:
        if alias == call.path["alias"]:
            return {"extension": _extension(name, alias)}
    raise NotFound("The resource could not be found.")


def discovery() -> list[Operation]:
    return [
        Operation("GET", "", versions, public=True, kind="fixed"),
        Operation("GET", "/v2", v2, public=True, kind="fixed"),
        Operation("GET", "/v2.1", v21, public=True, kind="fixed"),
    ]


def operations() -> list[Operation]:
    rule = "os_compute_api:extensions"
    return [
        Operation("GET", "/extensions", extensions, policy=rule),
        Operation("GET", "/extensions/{alias}", extension, policy=rule),
    ]
