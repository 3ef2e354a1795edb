"""Types of resources: the cloud's own, and those that administrators make."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.telemetry.model.metric import ResourceTypeRow
from cumulo.telemetry.model.times import moment_of
from cumulo.telemetry.queries import metric as queries

Attributes = dict[str, dict[str, Any]]
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9 _-]{0,254}")
_RESERVED = frozenset(
    [
        "id",
        "type",
        "metrics",
        "revision",
        "revision_start",
        "revision_end",
        "started_at",
        "ended_at",
        "user_id",
        "project_id",
        "created_by_user_id",
        "created_by_project_id",
        "get_metric",
        "creator",
        "original_resource_id",
    ]
)
MOST_TYPES = 500
MOST_ATTRIBUTES = 100
MOST_LETTERS = 255


def _texts(*names: str) -> Attributes:
    return {
        name: {"type": "string", "required": False, "min_length": 0, "max_length": MOST_LETTERS}
        for name in names
    }


def _numbers(*names: str) -> Attributes:
    return {name: {"type": "number", "required": False, "min": None, "max": None} for name in names}


BUILT_IN: dict[str, Attributes] = {
    "generic": {},
    "instance": {
        **_texts("display_name", "flavor_id", "flavor_name", "host", "image_ref", "server_group"),
        **_texts("state"),
        **_numbers("vcpus", "memory", "disk.root"),
    },
    "instance_disk": _texts("instance_id", "name"),
    "instance_network_interface": _texts("instance_id", "name"),
    "volume": {**_texts("display_name", "volume_type"), **_numbers("size")},
    "volume_snapshot": {**_texts("display_name"), **_numbers("size")},
    "volume_backup": {**_texts("display_name"), **_numbers("size")},
    "image": {
        **_texts("name", "display_name", "disk_format", "container_format"),
        **_numbers("size"),
    },
    "floating_ip": _texts("display_name", "floating_network_id"),
    "router": _texts("display_name"),
    "port": _texts("display_name", "network_id"),
    "share_snapshot": {**_texts("display_name"), **_numbers("size")},
    "share": {**_texts("display_name", "share_type", "protocol"), **_numbers("size")},
    "zone": _texts("display_name", "zone_type"),
    "container": {**_texts("display_name"), **_numbers("size", "bytes", "objects")},
    "node": _texts("display_name", "state"),
    "host": _texts("host_name"),
}


class Types:
    def all(self, tx: Tx) -> dict[str, Attributes]:
        own = {row.name: row.attributes for row in tx.all(queries.TYPES)}
        return dict(sorted({**own, **BUILT_IN}.items()))

    def attributes(self, tx: Tx, name: str) -> Attributes:
        """Raises NotFound."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        row = tx.get(ResourceTypeRow, name)
        if row is None:
            raise NotFound(f"Resource type {name} does not exist")
        return row.attributes

    def create(self, tx: Tx, name: str, given: Mapping[str, Any]) -> Attributes:
        """Raises BadRequest, Conflict."""
        if not _NAME.fullmatch(name) or len(given) > MOST_ATTRIBUTES:
            raise BadRequest("Invalid input: a name or number of attributes that cannot be")
        made = {key: attribute(key, value) for key, value in given.items()}
        if len(tx.all(queries.TYPES)) >= MOST_TYPES:
            raise BadRequest(f"There may be {MOST_TYPES} resource types")
        row = ResourceTypeRow(name, made)
        if name in BUILT_IN or not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Resource type {name} already exists")
        return made

    def update(self, tx: Tx, name: str, changes: Sequence[Mapping[str, Any]]) -> Attributes:
        """`changes`: JSON patch, add and remove of `/attributes/NAME`."""
        row = self._own(tx, name)
        made = dict(row.attributes)
        for each in changes:
            verb, path = each.get("op"), str(each.get("path", ""))
            key = path.removeprefix("/attributes/")
            if key == path or verb not in ("add", "remove"):
                raise BadRequest("Invalid input: only add and remove of /attributes/NAME")
            if verb == "remove":
                if key not in made:
                    raise BadRequest(f"can't remove non-existent object '{key[:80]}'")
                del made[key]
                continue
            if key in made:
                raise BadRequest(f"Resource type attribute {key[:80]} already exists")
            value = attribute(key, {k: v for k, v in dict(each["value"]).items() if k != "options"})
            if value["required"]:
                raise BadRequest(f"Invalid input: {key[:80]}: a required one needs a fill value")
            made[key] = value
        if len(made) > MOST_ATTRIBUTES:
            raise BadRequest(f"Invalid input: more than {MOST_ATTRIBUTES} attributes")
        tx.update(row, attributes=made)
        return made

    def delete(self, tx: Tx, name: str) -> None:
        row = self._own(tx, name)
        if tx.tuples(queries.TYPE_USED, name=name):
            raise BadRequest(f"Resource type {name} is still in use")
        tx.delete(row)

    def _own(self, tx: Tx, name: str) -> ResourceTypeRow:
        if name in BUILT_IN:
            raise BadRequest(f"Resource type {name} is the cloud's own")
        row = tx.get(ResourceTypeRow, name)
        if row is None:
            raise NotFound(f"Resource type {name} does not exist")
        return row


def attribute(name: str, given: Any) -> dict[str, Any]:
    """An attribute's description as it is kept. Raises BadRequest."""
    wrong = BadRequest(f"Invalid input: the attribute {str(name)[:80]!r}")
    if not isinstance(given, Mapping) or not _NAME.fullmatch(name) or name in _RESERVED:
        raise wrong
    kind, required = given.get("type"), given.get("required", True)
    bounds = {"string": ("min_length", "max_length"), "number": ("min", "max")}
    if kind not in ("string", "uuid", "number", "bool", "datetime") or not isinstance(
        required, bool
    ):
        raise wrong
    allowed = bounds.get(kind, ())
    if set(given) - {"type", "required", *allowed}:
        raise BadRequest("Invalid input: extra keys not allowed")
    made: dict[str, Any] = {"type": kind, "required": required}
    defaults = (0, MOST_LETTERS) if kind == "string" else (None, None)
    for key, default in zip(allowed, defaults, strict=False):
        value = given.get(key, default)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (value is None and kind == "number") and not number:
            raise wrong
        if kind == "string" and not 0 <= value <= MOST_LETTERS:
            raise wrong
        made[key] = value
    low, high = (made[key] for key in allowed) if allowed else (None, None)
    if low is not None and high is not None and low > high:
        raise wrong
    return made


def values(attributes: Attributes, given: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """A resource's attributes as they are kept. `whole`: what is required must be there. Raises
    BadRequest."""
    unknown = sorted(set(given) - set(attributes))
    if unknown:
        raise BadRequest(f"Invalid input: extra keys not allowed: {unknown[0][:80]}")
    for name, how in attributes.items():
        if how["required"] and (given.get(name) is None if name in given else whole):
            raise BadRequest(f"Invalid input: required key not provided: {name}")
    return {name: _value(name, attributes[name], value) for name, value in given.items()}


def _value(name: str, how: Mapping[str, Any], value: Any) -> Any:
    wrong = BadRequest(f"Invalid input: {name} is not a {how['type']} as its type says")
    if value is None:
        return None
    kind = how["type"]
    if kind == "bool":
        if not isinstance(value, bool):
            raise wrong
        return value
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong
        if (how["min"] is not None and value < how["min"]) or (
            how["max"] is not None and value > how["max"]
        ):
            raise wrong
        return value
    if not isinstance(value, str):
        raise wrong
    if kind == "datetime":
        return moment_of(value, name)
    if kind == "uuid":
        try:
            return str(uuid.UUID(value))
        except ValueError:
            raise wrong from None
    if not how["min_length"] <= len(value) <= how["max_length"]:
        raise wrong
    return value
