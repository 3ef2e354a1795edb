"""What servers of a stack are given: user data for cloud-init, and metadata that they poll.

A server with `SOFTWARE_CONFIG` or `HEAT_CFNTOOLS` user data has an access key of its own, made here
and good for nothing but reading the metadata of this resource and signalling its stack's resources
(`api/cfn.py`), or an address that holds a secret (`POLL_TEMP_URL`).
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cumulo.core.resource_types import ResourceType
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.service.configs import config_text, inner_parts, multipart, part
from cumulo.orchestration.service.handlers import Seal, Work
from cumulo.orchestration.service.rest_handler import RestHandler
from cumulo.orchestration.service.software import Software

SERVER = "OS::Nova::Server"
HANDLER = """#part-handler
import os


def list_types():
    return ["text/x-cfninitdata"]


def handle_part(data, ctype, filename, payload):
    if ctype != "text/x-cfninitdata":
        return
    folder = "/var/lib/heat-cfntools"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, os.path.basename(filename))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "w") as out:
        out.write(payload if isinstance(payload, str) else payload.decode())
    if filename == "cfn-init-data":
        os.makedirs("/var/lib/cloud/data", exist_ok=True)
        link = "/var/lib/cloud/data/cfn-init-data"
        if not os.path.lexists(link):
            os.symlink(path, link)
"""


class Server(RestHandler):
    """`OS::Nova::Server` with what a stack adds to it."""

    def __init__(
        self,
        type_: ResourceType,
        finders: Mapping[str, Any],
        *,
        seal: Seal,
        software: Software,
        endpoint: str,
        cfn: str,
        region: str,
    ) -> None:
        super().__init__(type_, finders)
        self._seal = seal
        self._software = software
        self._endpoint = endpoint
        self._cfn = cfn
        self._region = region

    def create(self, work: Work) -> str | None:
        given = work.properties
        kind, data = given.get("user_data_format", "RAW"), given.get("user_data")
        if data is not None and not isinstance(data, str):
            data = json.dumps(data)
        if data is not None:
            data = config_text(self._software, work, data)
        if kind != "RAW":
            work.store(
                access=work.row.id.replace("-", ""),
                secret=self._seal.encrypt(secrets.token_hex(32)),
                poll_key=self._seal.encrypt(secrets.token_urlsafe(32)),
            )
            data = self._wrapped(work, kind, data)
        if data is not None and len(data) > 48_000:
            raise Invalid("the user data is larger than 48000 letters")
        work.properties = {**given, "user_data": data}
        physical = super().create(work)
        work.properties = given
        return physical

    def _wrapped(self, work: Work, kind: str, data: str | None) -> str:
        """One message for cloud-init, with what the tools in the guest look for."""
        parts = [part(HANDLER, "part-handler", "part-handler.py")]
        if data:
            whole = data.lstrip().lower().startswith(("content-type: multipart", "mime-version"))
            if kind == "SOFTWARE_CONFIG" and whole:
                parts += inner_parts(data)
            elif data.startswith("#cloud-config"):
                parts.append(part(data, "cloud-config", "user-config"))
            elif data.startswith("#!"):
                parts.append(part(data, "x-shellscript", "userdata.sh"))
            else:
                parts.append(part(data, "x-cfninitdata", "cfn-userdata"))
        if kind == "HEAT_CFNTOOLS":
            parts.append(part(self._cfn, "x-cfninitdata", "cfn-metadata-server"))
            parts.append(
                part(f"[Boto]\ncfn_region_name = {self._region}\n", "x-cfninitdata", "cfn-boto-cfg")
            )
        shown = self.collected(work.row, work.stack.name, work.stack.id)
        parts.append(part(json.dumps(shown), "x-cfninitdata", "cfn-init-data"))
        return str(multipart(parts))

    def collected(self, row: ResourceRow, stack_name: str, stack_id: str) -> dict[str, Any]:
        """How os-collect-config in the guest finds the metadata; empty: it does not look."""
        stored = row.stored
        if "access" not in stored:
            return {}
        given = row.properties
        if given.get("software_config_transport") == "POLL_TEMP_URL":
            key = self._seal.decrypt(stored["poll_key"])
            url = f"{self._endpoint}/metadata/{row.id}/{key}"
            how: dict[str, Any] = {"collectors": ["ec2", "request", "local"]}
            return {"os-collect-config": how | {"request": {"metadata_url": url}}}
        cfn = {
            "metadata_url": f"{self._cfn}/v1/",
            "stack_name": f"{stack_name}/{stack_id}",
            "path": f"{row.name}.Metadata",
            "access_key_id": stored["access"],
            "secret_access_key": self._seal.decrypt(stored["secret"]),
        }
        return {"os-collect-config": {"collectors": ["ec2", "cfn", "local"], "cfn": cfn}}

    def knows(self, row: ResourceRow, key: str) -> bool:
        sealed = row.stored.get("poll_key")
        if sealed is None:
            return False
        return hmac.compare_digest(self._seal.decrypt(sealed).encode(), key.encode())

    def secret(self, row: ResourceRow) -> str:
        return self._seal.decrypt(row.stored["secret"])

    def attribute(self, work: Work, name: str) -> Any:
        if name == "os_collect_config":
            return self.collected(work.row, work.stack.name, work.stack.id)
        return super().attribute(work, name)
