"""What a guest asks by the CloudFormation API: its own resource's metadata.

The request is signed with the key that the server's user data holds (`service/guests.py`): EC2
signature version 2, as os-collect-config and heat-cfntools make it. The key's id leads to the
resource, and to nothing else.
"""

import base64
import hmac
import json
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from cumulo.core.auth.policy import Rules
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, Forbidden
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.guests import Server
from cumulo.orchestration.service.stacks import Stacks

MOUNT = "/orchestration-cfn"
METHODS = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}
MOST = 8192
"""Letters of what is signed."""


def cfn_face(stacks: Stacks, rules: Rules) -> Face:
    api = GuestsApi(stacks)
    return Face(
        name="orchestration",
        speaks="octets",
        mount=MOUNT,
        faults=envelope,
        rules=rules,
        operations=[Operation("GET", "/v1", api.answer, public=True)],
    )


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    kind = {400: "ValidationError", 403: "AccessDenied", 404: "ValidationError"}.get(
        status, "InternalFailure"
    )
    said = (
        f"<ErrorResponse><Error><Message>{escape(fault.message)}</Message><Code>{kind}</Code>"
        f"<Type>Sender</Type></Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
    )
    return "application/xml", said.encode()


class GuestsApi:
    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def answer(self, call: Call, tx: Tx) -> Reply:
        action = call.query.get("Action")
        if action != "DescribeStackResource":
            raise BadRequest("Servers ask for DescribeStackResource only.")
        stack, row = self._signed(call, tx)
        named, resource = call.query.get("StackName"), call.query.get("LogicalResourceId")
        if named not in (stack.name, stack.id, f"{stack.name}/{stack.id}") or resource != row.name:
            raise Forbidden("The key is for the metadata of its own server.")
        detail = {
            "StackId": stack.id,
            "StackName": stack.name,
            "LogicalResourceId": row.name,
            "PhysicalResourceId": row.physical_id or "",
            "ResourceType": row.type,
            "ResourceStatus": f"{row.action}_{row.status}",
            "ResourceStatusReason": row.reason,
            "LastUpdatedTimestamp": zulu(row.updated_at or row.created_at),
            "Metadata": json.dumps(self._stacks.metadata(tx, stack, row)),
        }
        if call.query.get("ContentType") == "JSON":
            found: Any = {"StackResourceDetail": detail}
            whole = {f"{action}Response": {f"{action}Result": found}}
            return Reply(200, whole)
        lines = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in detail.items())
        body = (
            f"<{action}Response><{action}Result><StackResourceDetail>{lines}"
            f"</StackResourceDetail></{action}Result></{action}Response>"
        )
        return Reply(200, raw=body.encode(), content_type="application/xml")

    def _signed(self, call: Call, tx: Tx) -> tuple[StackRow, ResourceRow]:
        """The server whose key has signed. Raises Forbidden."""
        refused = Forbidden("The request is not signed with a key of a server.")
        access = call.query.get("AWSAccessKeyId") or ""
        method = METHODS.get(call.query.get("SignatureMethod") or "")
        if len(call.query_string) > MOST or method is None or len(access) != 32:
            raise refused
        parts = (access[:8], access[8:12], access[12:16], access[16:20], access[20:])
        row = tx.get(ResourceRow, "-".join(parts))
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        handler = None if row is None else self._stacks.engine.types.handler(row.kind)
        if row is None or stack is None or not isinstance(handler, Server):
            raise refused
        if row.stored.get("access") != access or stack.deleted_at is not None:
            raise refused
        right = hmac.digest(handler.secret(row).encode(), _text(call).encode(), method)
        given = call.query.get("Signature") or ""
        if not hmac.compare_digest(base64.b64encode(right), given.encode()):
            raise refused
        return stack, row


def _text(call: Call) -> str:
    """What version 2 signs: verb, host, path and all parameters in their order."""
    pairs = sorted((key, value) for key, value in call.query.pairs if key != "Signature")
    query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)
    host = (call.header("Host") or "").lower()
    return f"GET\n{host}\n{call.raw_path}\n{query}"
