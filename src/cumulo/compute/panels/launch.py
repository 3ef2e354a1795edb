"""Launching servers: the form, what would be refused, and the same by other ways."""

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.compute.panels.common import FLAVOR_LIST, FLAVOR_OPTIONS, IMAGE_OPTIONS, ask
from cumulo.core.panels import Action, Field, Form, Item, Options, Said, lines_of, pairs_of, said
from cumulo.core.resource_types import Request

NETWORKS = Request("GET", "/network/v2.0/networks?router:external=false&limit=500")
# On a shared network other projects' ports are no choice: own ones only, and none that is in use.
PORTS = Request("GET", "/network/v2.0/ports?device_id=&project_id={project}&limit=500")
MOST_SERVERS = 20
USER_DATA = 16384


def _networks(form: Form) -> Any:
    wanted: list[dict[str, str]] = [{"uuid": id} for id in lines_of(form.get("networks", ""))]
    wanted += [{"port": id} for id in lines_of(form.get("ports", ""))]
    return wanted or "auto"


def _create(item: Item, form: Form) -> Request:
    server: dict[str, Any] = {
        "name": form["name"],
        "flavorRef": form["flavor"],
        "networks": _networks(form),
    }
    if form.get("key"):
        server["key_name"] = form["key"]
    if form.get("groups") and server["networks"] != "auto":
        server["security_groups"] = [{"name": id} for id in lines_of(form["groups"])]
    if int(form.get("volume") or 0):
        server["block_device_mapping_v2"] = [
            {
                "boot_index": 0,
                "uuid": form["image"],
                "source_type": "image",
                "destination_type": "volume",
                "volume_size": int(form["volume"]),
                "delete_on_termination": form.get("keep") != "yes",
            }
        ]
    else:
        server["imageRef"] = form["image"]
    if form.get("user_data"):
        server["user_data"] = base64.b64encode(form["user_data"].encode()).decode()
    if form.get("metadata"):
        server["metadata"] = pairs_of(form["metadata"])
    if form.get("zone"):
        server["availability_zone"] = form["zone"]
    count = min(int(form.get("count") or 1), MOST_SERVERS)
    if count > 1:
        server |= {"min_count": count, "max_count": count}
    body: dict[str, Any] = {"server": server}
    if form.get("group"):
        body["os:scheduler_hints"] = {"group": form["group"]}
    return ask("POST", "/servers", body)


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else otherwise


def _check(form: Form, facts: Mapping[str, Any]) -> Sequence[Said]:
    flavors = (facts.get("flavors") or {}).get("flavors", ())
    flavor = next((f for f in flavors if f["id"] == form.get("flavor")), None)
    count = _whole(form.get("count", ""), 1)
    found = []
    if flavor is not None:
        limits = (facts.get("limits") or {}).get("limits", {}).get("absolute", {})
        for title, used, most, each in (
            ("Servers", "totalInstancesUsed", "maxTotalInstances", 1),
            ("Processors", "totalCoresUsed", "maxTotalCores", flavor["vcpus"]),
            ("Memory, MiB", "totalRAMUsed", "maxTotalRAMSize", flavor["ram"]),
        ):
            left = limits.get(most, -1) - limits.get(used, 0)
            if limits.get(most, -1) >= 0 and count * each > left:
                found.append(
                    said(
                        "{what}: {wanted} wanted, {left} left of your quota.",
                        what=Said(title),
                        wanted=count * each,
                        left=max(0, left),
                    )
                )
        found += _image(form, facts, flavor)
    networks = (facts.get("networks") or {}).get("networks", ())
    for network in networks:
        if network["id"] in lines_of(form.get("networks", "")) and not network["subnets"]:
            found.append(
                said("The network {name} has no subnet yet: no address.", name=network["name"])
            )
    if not networks:
        found.append(Said("There is no network yet: a server needs one to be reached."))
    if not form.get("key"):
        found.append(
            Said("Without a key pair nobody can sign in, unless the image has a password.")
        )
    return found


def _image(form: Form, facts: Mapping[str, Any], flavor: Item) -> Sequence[Said]:
    images = (facts.get("images") or {}).get("images", ())
    image = next((i for i in images if i["id"] == form.get("image")), None)
    if image is None:
        return []
    found = []
    if (image.get("min_ram") or 0) > flavor["ram"]:
        found.append(said("The image wants {n} MiB of memory at least.", n=image["min_ram"]))
    disk = _whole(form.get("volume", ""), 0) or flavor["disk"]
    if (image.get("min_disk") or 0) > disk > 0:
        found.append(said("The image wants a disk of {n} GiB at least.", n=image["min_disk"]))
    return found


def _same(form: Form) -> Mapping[str, str]:
    name = form.get("name") or "NAME"
    parts = ["openstack server create"]
    size = _whole(form.get("volume", ""), 0)
    values = [
        ("--image", form.get("image") or "IMAGE"),
        ("--flavor", form.get("flavor") or "FLAVOR"),
        *(("--network", id) for id in lines_of(form.get("networks", ""))),
        *(("--port", id) for id in lines_of(form.get("ports", ""))),
        ("--key-name", form.get("key", "")),
        *(("--security-group", id) for id in lines_of(form.get("groups", ""))),
        ("--boot-from-volume", str(size) if size else ""),
        ("--availability-zone", form.get("zone", "")),
    ]
    parts += [f"{option} {shlex.quote(value)}" for option, value in values if value]
    count = _whole(form.get("count", ""), 1)
    if count > 1:
        parts.append(f"--min {count} --max {count}")
    if form.get("user_data"):
        parts.append("--user-data FILE")
    parts.append(shlex.quote(name))
    return {"Command": " \\\n    ".join(parts), "Template": _template(form, name)}


def _template(form: Form, name: str) -> str:
    # JSON's strings are YAML's, too.
    lines = [
        "heat_template_version: 2021-04-16",
        "resources:",
        "  server:",
        "    type: OS::Nova::Server",
        "    properties:",
        f"      name: {json.dumps(name)}",
        f"      image: {json.dumps(form.get('image') or 'IMAGE')}",
        f"      flavor: {json.dumps(form.get('flavor') or 'FLAVOR')}",
    ]
    if form.get("key"):
        lines.append(f"      key_name: {json.dumps(form['key'])}")
    networks = [("network", id) for id in lines_of(form.get("networks", ""))]
    networks += [("port", id) for id in lines_of(form.get("ports", ""))]
    if networks:
        lines.append("      networks:")
        lines += [f"        - {kind}: {json.dumps(id)}" for kind, id in networks]
    if form.get("groups"):
        lines.append(f"      security_groups: {json.dumps(lines_of(form['groups']))}")
    return "\n".join(lines)


FIELDS = (
    Field("name", "Name"),
    Field("image", "Image", "select", options=IMAGE_OPTIONS),
    Field("flavor", "Flavor", "select", options=FLAVOR_OPTIONS),
    Field(
        "networks",
        "Networks",
        "many",
        required=False,
        help="None: the one that there is, or one that is made for it.",
        options=Options(NETWORKS, "networks"),
        longest=4000,
    ),
    Field(
        "key",
        "Key pair",
        "select",
        required=False,
        options=Options(
            ask("GET", "/os-keypairs"),
            "keypairs",
            lambda each: str(each["keypair"]["name"]),
            "keypair.name",
        ),
    ),
    Field(
        "groups",
        "Security groups",
        "many",
        required=False,
        help="None: the project's default one.",
        options=Options(
            Request("GET", "/network/v2.0/security-groups?project_id={project}"),
            "security_groups",
        ),
        longest=4000,
    ),
    Field("count", "How many", "number", default="1"),
    Field(
        "ports",
        "Ports",
        "many",
        required=False,
        options=Options(PORTS, "ports"),
        longest=4000,
        advanced=True,
    ),
    Field(
        "volume",
        "Disk as a volume, GiB",
        "number",
        required=False,
        help="Empty: a disk of the flavor's size, which goes with the server.",
        advanced=True,
    ),
    Field("keep", "Keep the volume when the server goes", "check", required=False, advanced=True),
    Field(
        "user_data",
        "Script for the first start",
        "textarea",
        required=False,
        help="cloud-init: #!/bin/sh or #cloud-config",
        longest=USER_DATA,
        advanced=True,
    ),
    Field(
        "metadata",
        "Metadata",
        "pairs",
        required=False,
        help="One name=value a line.",
        longest=20_000,
        advanced=True,
    ),
    Field(
        "zone",
        "Availability zone",
        "select",
        required=False,
        options=Options(
            ask("GET", "/os-availability-zone"),
            "availabilityZoneInfo",
            lambda each: str(each["zoneName"]),
            "zoneName",
        ),
        advanced=True,
    ),
    Field(
        "group",
        "Server group",
        "select",
        required=False,
        options=Options(ask("GET", "/os-server-groups"), "server_groups"),
        advanced=True,
    ),
)
LAUNCH = Action(
    "create",
    "Launch server",
    _create,
    fields=FIELDS,
    facts=lambda item, form: {
        "limits": ask("GET", "/limits"),
        "flavors": FLAVOR_LIST,
        "networks": NETWORKS,
        "images": Request("GET", "/image/v2/images?status=active&limit=200"),
    },
    check=_check,
    same=_same,
)
