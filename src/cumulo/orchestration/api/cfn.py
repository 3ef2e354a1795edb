"""The CloudFormation API: what users ask (`cfn_users.py`), and what a guest asks.

A guest asks for its own resource's metadata. The request is signed with the key that the server's
user data holds (`service/guests.py`): EC2 signature version 2, as os-collect-config and
heat-cfntools make it. The key's id leads to the resource, and to nothing else.
"""

import base64
import hmac
from urllib.parse import quote
from xml.sax.saxutils import escape

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Fault, Forbidden, TooLarge
from cumulo.core.http.operations import Call, Face, Operation, Reply
from cumulo.identity.interface import RequestKeys
from cumulo.orchestration.api.cfn_users import UsersApi, asked_of, detail, rendered
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.guests import Server
from cumulo.orchestration.service.stacks import Stacks

MOUNT = "/orchestration-cfn"
METHODS = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}
MOST_FORM = 2 * 1024 * 1024
MOST = 8192
"""Letters of what is signed."""


def cfn_face(stacks: Stacks, rules: Rules, database: Database, keys: RequestKeys) -> Face:
    api = CfnApi(stacks, database, UsersApi(stacks, keys))
    return Face(
        name="orchestration",
        speaks="octets",
        service_types=("cloudformation",),
        mount=MOUNT,
        faults=envelope,
        rules=rules,
        operations=[
            Operation(method, "/v1", api.answer, public=True, kind="stream")
            for method in ("GET", "POST")
        ],
    )


CODES = {400: "ValidationError", 403: "AccessDenied", 404: "ValidationError"}
KINDS = {
    "StackExists": "AlreadyExistsException",
    "RequestLimitExceeded": "LimitExceededException",
    "InvalidAction": "InvalidAction",
}


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    kind = KINDS.get(fault.kind or "") or CODES.get(status, "InternalFailure")
    said = (
        f"<ErrorResponse><Error><Message>{escape(fault.message)}</Message><Code>{kind}</Code>"
        f"<Type>Sender</Type></Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
    )
    return "application/xml", said.encode()


class CfnApi:
    """What guests ask, with the key of their server, and what users ask, with EC2 credentials."""

    def __init__(self, stacks: Stacks, database: Database, users: UsersApi) -> None:
        self._stacks = stacks
        self._database = database
        self._users = users

    async def answer(self, call: Call) -> Reply:
        too_long = TooLarge(f"A request has at most {MOST_FORM} bytes.")
        body = await call.whole_body(MOST_FORM, too_long)
        asked = asked_of(call, body)
        access = asked.params.get("AWSAccessKeyId") or ""
        if not asked.action:
            raise BadRequest("The request must contain the parameter Action.")
        whose = await self._database.read(lambda tx: self._server(tx, access))
        if whose:
            return await self._database.read(lambda tx: self._guest(call, tx))

        def work(tx: Tx) -> Reply:
            return self._users.answer(asked, tx)

        if self._users.writes(asked.action):
            # Who is nobody's user does not keep others from writing.
            await self._database.read(lambda tx: self._users.known(asked, tx))
            return await self._database.write(work, name=f"cfn {asked.action}")
        return await self._database.read(work)

    def _guest(self, call: Call, tx: Tx) -> Reply:
        action = call.query.get("Action")
        if action != "DescribeStackResource":
            raise BadRequest("Servers ask for DescribeStackResource only.")
        stack, row = self._signed(call, tx)
        named, resource = call.query.get("StackName"), call.query.get("LogicalResourceId")
        if named not in (stack.name, stack.id, f"{stack.name}/{stack.id}") or resource != row.name:
            raise Forbidden("The key is for the metadata of its own server.")
        found = detail(stack, row, self._stacks.metadata(tx, stack, row))
        return rendered(action, found, call.request_id, call.query.get("ContentType") == "JSON")

    @staticmethod
    def _server(tx: Tx, access: str) -> bool:
        """Whether it is the key of a server."""
        if len(access) != 32:
            return False
        row = tx.get(ResourceRow, _row_id(access))
        return row is not None and row.stored.get("access") == access

    def _signed(self, call: Call, tx: Tx) -> tuple[StackRow, ResourceRow]:
        """The server whose key has signed. Raises Forbidden."""
        refused = Forbidden("The request is not signed with a key of a server.")
        access = call.query.get("AWSAccessKeyId") or ""
        method = METHODS.get(call.query.get("SignatureMethod") or "")
        if len(call.query_string) > MOST or method is None or len(access) != 32:
            raise refused
        row = tx.get(ResourceRow, _row_id(access))
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


def _row_id(access: str) -> str:
    parts = (access[:8], access[8:12], access[12:16], access[16:20], access[20:])
    return "-".join(parts)


def _text(call: Call) -> str:
    """What version 2 signs: verb, host, path and all parameters in their order."""
    pairs = sorted((key, value) for key, value in call.query.pairs if key != "Signature")
    query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)
    host = (call.header("Host") or "").lower()
    return f"GET\n{host}\n{call.raw_path}\n{query}"
