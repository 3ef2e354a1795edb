"""What users ask by the CloudFormation API, signed with an EC2 credential.

Each action is asked of the orchestration API itself, inside the process, as whom the credential
stands for: the same policy, the same checks, the same words of refusal.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound, Unauthorized
from cumulo.core.http.operations import Call, Reply
from cumulo.identity.interface import RequestKeys
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.nested import arn
from cumulo.orchestration.service.stacks import Stacks

PAGE = 20
"""Stacks that one answer describes."""

MOST_FIELDS = 1000
MOST_EVENTS = 500
CREDENTIAL = re.compile(r"Credential=([^/,\s]{1,128})/")
SIGNATURE = re.compile(r"Signature=([0-9a-f]{1,128})")


@dataclass(frozen=True)
class Asked:
    """A request, and what it is signed over."""

    verb: str
    host: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body_hash: str
    request_id: str

    @property
    def action(self) -> str:
        return self.params.get("Action", "")

    def need(self, name: str) -> str:
        value = self.params.get(name)
        if not value:
            raise BadRequest(f"The request must contain the parameter {name}.")
        return value

    def members(self, name: str) -> list[dict[str, str]]:
        """`NAME.member.1.KEY=VALUE` → [{KEY: VALUE}]"""
        found: dict[int, dict[str, str]] = {}
        for key, value in self.params.items():
            head, _, rest = key.partition(".member.")
            number, _, inner = rest.partition(".")
            if head == name and inner and number.isdecimal() and len(number) < 5:
                found.setdefault(int(number), {})[inner] = value
        return [found[n] for n in sorted(found)]


def asked_of(call: Call, body: bytes) -> Asked:
    """Raises BadRequest. Of a POST only the body counts: not every signature is over its query."""
    verb = call.operation.method
    text = call.query_string
    if verb == "POST":
        if call.query_string:
            raise BadRequest("The parameters of a POST are in its body.")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise BadRequest("The form cannot be read.") from None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest(f"A request has at most {MOST_FIELDS} parameters.") from None
    params = dict(pairs)
    if len(params) != len(pairs):
        raise BadRequest("A parameter is there twice.")
    return Asked(
        verb,
        (call.header("Host") or "").lower(),
        call.raw_path,
        params,
        call.headers(),
        hashlib.sha256(body).hexdigest(),
        call.request_id,
    )


Handler = Callable[[Asked, Tx, Principal], Any]


class UsersApi:
    def __init__(self, stacks: Stacks, keys: RequestKeys) -> None:
        self._stacks = stacks
        self._keys = keys
        self._reads: dict[str, Handler] = {
            "ListStacks": self.list_stacks,
            "DescribeStacks": self.describe_stacks,
            "DescribeStackResource": self.describe_resource,
            "DescribeStackResources": self.describe_resources,
            "ListStackResources": self.list_resources,
            "DescribeStackEvents": self.describe_events,
            "GetTemplate": self.get_template,
            "ValidateTemplate": self.validate,
        }
        self._writes: dict[str, Handler] = {
            "CreateStack": self.create,
            "UpdateStack": self.update,
            "DeleteStack": self.delete,
            "CancelUpdateStack": self.cancel,
            "SignalResource": self.signal,
        }

    def writes(self, action: str) -> bool:
        return action in self._writes

    def known(self, asked: Asked, tx: Tx) -> None:
        """Raises Forbidden for a signature that is nobody's."""
        self._who(asked, tx)

    def answer(self, asked: Asked, tx: Tx) -> Reply:
        who = self._who(asked, tx)
        handler = self._reads.get(asked.action) or self._writes.get(asked.action)
        if handler is None:
            raise BadRequest(
                f"The action {asked.action[:100]} is not valid for this endpoint.",
                kind="InvalidAction",
            )
        as_json = asked.params.get("ContentType") == "JSON"
        return rendered(asked.action, handler(asked, tx, who), asked.request_id, as_json)

    def _who(self, asked: Asked, tx: Tx) -> Principal:
        """Raises Forbidden."""
        refused = Forbidden("The request's signature does not match its key.")
        said = asked.headers.get("authorization", "")
        key, given = CREDENTIAL.search(said), SIGNATURE.search(said)
        access = asked.params.get("AWSAccessKeyId")
        signature = asked.params.get("Signature")
        if key is not None and given is not None:
            access, signature = key.group(1), given.group(1)
        elif "X-Amz-Credential" in asked.params:
            access = asked.params["X-Amz-Credential"].partition("/")[0]
            signature = asked.params.get("X-Amz-Signature")
        if not access or not signature:
            raise Forbidden("The request is not signed.")
        try:
            who = self._keys.signed(
                tx,
                access,
                signature,
                verb=asked.verb,
                host=asked.host,
                path=asked.path,
                params=asked.params,
                headers=asked.headers,
                body_hash=asked.body_hash,
            )
        except Unauthorized:
            raise refused from None
        if who.access_rules is not None:
            # They allow request by request of another API.
            raise Forbidden("An application credential with access rules cannot sign this.")
        return who

    # --- asking the API itself ---------------------------------------------------------------

    def _ask(
        self,
        tx: Tx,
        who: Principal,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """`path` is below the project's."""
        whole = f"/orchestration/v1/{who.need_project()}{path}"
        calls = self._stacks.engine.calls
        return calls.call_in(tx, who, method, whole, body, query=query or {}).checked().body

    def _stack(self, asked: Asked, tx: Tx, who: Principal) -> StackRow:
        """By its name, its id, both, or its ARN. Raises NotFound."""
        name = asked.need("StackName")[:1000]
        if name.startswith("arn:") or "/" in name:
            name = name.rpartition("/")[2]
        return self._stacks.named(tx, name, who.need_project())

    @staticmethod
    def _path(row: StackRow) -> str:
        return f"/stacks/{quote(row.name, safe='')}/{row.id}"

    # --- stacks ------------------------------------------------------------------------------

    def list_stacks(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        found = self._ask(tx, who, "GET", "/stacks")["stacks"]
        wanted = [v for k, v in asked.params.items() if k.startswith("StackStatusFilter.member.")]
        made = []
        for each in found:
            if wanted and each["stack_status"] not in wanted:
                continue
            row = self._stacks.get(tx, each["id"], who.project_id)
            one = self._head(row)
            made.append(one | {"TemplateDescription": row.description})
        return {"StackSummaries": made}

    @staticmethod
    def _head(row: StackRow) -> dict[str, Any]:
        made = {
            "StackId": arn(row),
            "StackName": row.name,
            "CreationTime": zulu(row.created_at),
            "StackStatus": row.word,
            "StackStatusReason": row.reason,
        }
        if row.updated_at is not None:
            made["LastUpdatedTime"] = zulu(row.updated_at)
        if row.deleted_at is not None:
            made["DeletionTime"] = zulu(row.deleted_at)
        return made

    def describe_stacks(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        if asked.params.get("StackName"):
            rows = [self._stack(asked, tx, who)]
        else:
            # Each is told with its outputs: so many at a time.
            after = asked.params.get("NextToken")
            marker = f"&marker={quote(after, safe='')}" if after else ""
            listed = self._ask(tx, who, "GET", f"/stacks?limit={PAGE}{marker}")["stacks"]
            rows = [self._stacks.get(tx, each["id"], who.project_id) for each in listed]
        following = {"NextToken": rows[-1].id} if len(rows) == PAGE else {}
        return {"Stacks": [self._described(tx, who, row) for row in rows], **following}

    def _described(self, tx: Tx, who: Principal, row: StackRow) -> dict[str, Any]:
        shown = self._ask(tx, who, "GET", self._path(row))["stack"]
        outputs = [
            {
                "OutputKey": each["output_key"],
                "OutputValue": as_text(each["output_value"]),
                "Description": each["description"],
            }
            for each in shown["outputs"]
        ]
        parameters = [
            {"ParameterKey": name, "ParameterValue": as_text(value)}
            for name, value in shown["parameters"].items()
            if not name.startswith(("OS::", "AWS::"))
        ]
        return self._head(row) | {
            "Description": row.description,
            "DisableRollback": row.disable_rollback,
            "TimeoutInMinutes": row.timeout_mins or 60,
            "NotificationARNs": [],
            "Parameters": parameters,
            "Outputs": outputs,
        }

    def create(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        body = {"stack_name": asked.need("StackName"), **self._wish(asked)}
        made = self._ask(tx, who, "POST", "/stacks", body)["stack"]
        return {"StackId": arn(self._stacks.get(tx, made["id"], who.project_id))}

    def update(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        given = asked.members("Parameters")
        kept = asked.params.get("UsePreviousTemplate") == "true" or any(
            each.get("UsePreviousValue") == "true" for each in given
        )
        method = "PATCH" if kept else "PUT"
        self._ask(tx, who, method, self._path(row), self._wish(asked))
        return {"StackId": arn(row)}

    @staticmethod
    def _wish(asked: Asked) -> dict[str, Any]:
        params = asked.params
        if params.get("TemplateURL"):
            raise BadRequest("TemplateURL: the template itself is sent, as TemplateBody.")
        if asked.members("Tags"):
            raise BadRequest("Tags with values are not kept.")
        made: dict[str, Any] = {}
        if params.get("TemplateBody"):
            made["template"] = params["TemplateBody"]
        made["parameters"] = {
            each.get("ParameterKey", ""): each.get("ParameterValue", "")
            for each in asked.members("Parameters")
            if each.get("UsePreviousValue") != "true"
        }
        if params.get("TimeoutInMinutes"):
            made["timeout_mins"] = params["TimeoutInMinutes"]
        failure, disabled = params.get("OnFailure"), params.get("DisableRollback")
        if failure and disabled:
            raise BadRequest("DisableRollback and OnFailure may not be used together.")
        if failure not in (None, "", "DO_NOTHING", "ROLLBACK", "DELETE"):
            raise BadRequest("OnFailure is DO_NOTHING, ROLLBACK or DELETE.")
        if failure:
            made["disable_rollback"] = failure == "DO_NOTHING"
        elif disabled:
            made["disable_rollback"] = disabled
        return made

    def delete(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        try:
            row = self._stack(asked, tx, who)
        except NotFound:
            return None
        if row.deleted_at is None:
            self._ask(tx, who, "DELETE", self._path(row))
        return None

    def cancel(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        self._ask(tx, who, "POST", f"{self._path(row)}/actions", {"cancel_update": None})
        return {}

    def get_template(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        found = self._ask(tx, who, "GET", f"{self._path(row)}/template")
        return {"TemplateBody": json.dumps(found)}

    def validate(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        body = {"template": asked.need("TemplateBody")}
        found = self._ask(tx, who, "POST", "/validate", body)
        parameters = [
            {
                "ParameterKey": name,
                "Description": str(each.get("Description", "")),
                "NoEcho": str(each.get("NoEcho", "false")).lower() == "true",
                **({"DefaultValue": as_text(each["Default"])} if "Default" in each else {}),
            }
            for name, each in found["Parameters"].items()
        ]
        return {"Description": found["Description"], "Parameters": parameters, "Capabilities": []}

    # --- resources and events ----------------------------------------------------------------

    def describe_resource(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        name = asked.need("LogicalResourceId")
        path = f"{self._path(row)}/resources/{quote(name, safe='')}"
        self._ask(tx, who, "GET", path)
        metadata = self._ask(tx, who, "GET", f"{path}/metadata")["metadata"]
        return detail(row, self._stacks.resource(tx, row, name), metadata)

    def describe_resources(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        physical = asked.params.get("PhysicalResourceId")
        if physical and not asked.params.get("StackName"):
            row = self._stacks.with_physical(tx, who.need_project(), physical)
        else:
            row = self._stack(asked, tx, who)
        found, wanted = self._rows(tx, who, row), asked.params.get("LogicalResourceId")
        made = [
            {"StackId": arn(row), "StackName": row.name, "Timestamp": _when(each), **_row(each)}
            for each in found
            if not wanted or each.name == wanted
        ]
        return {"StackResources": made}

    def _rows(self, tx: Tx, who: Principal, row: StackRow) -> Sequence[ResourceRow]:
        told = self._ask(tx, who, "GET", f"{self._path(row)}/resources")["resources"]
        names = {each["resource_name"] for each in told}
        return [each for each in self._stacks.resources(tx, row) if each.name in names]

    def list_resources(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        made = [
            {"LastUpdatedTimestamp": _when(each), **_row(each)} for each in self._rows(tx, who, row)
        ]
        return {"StackResourceSummaries": made}

    def describe_events(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        kinds = {each.name: each.type for each in self._stacks.resources(tx, row)}
        query = {"sort_keys": "event_time", "sort_dir": "desc", "limit": str(MOST_EVENTS)}
        found = self._ask(tx, who, "GET", f"{self._path(row)}/events", query=query)["events"]
        made = [
            {
                "EventId": each["id"],
                "StackId": arn(row),
                "StackName": row.name,
                "LogicalResourceId": each["resource_name"],
                "PhysicalResourceId": each["physical_resource_id"] or "",
                "ResourceType": kinds.get(each["resource_name"], "AWS::CloudFormation::Stack"),
                "Timestamp": each["event_time"],
                "ResourceStatus": each["resource_status"],
                "ResourceStatusReason": each["resource_status_reason"],
            }
            for each in found
        ]
        return {"StackEvents": made}

    def signal(self, asked: Asked, tx: Tx, who: Principal) -> Any:
        row = self._stack(asked, tx, who)
        name = quote(asked.need("LogicalResourceId"), safe="")
        body = {"status": asked.need("Status"), "id": asked.need("UniqueId")}
        self._ask(tx, who, "POST", f"{self._path(row)}/resources/{name}/signal", body)
        return None


def _when(row: ResourceRow) -> str:
    return zulu(row.updated_at or row.created_at)


def _row(row: ResourceRow) -> dict[str, Any]:
    return {
        "LogicalResourceId": row.name,
        "PhysicalResourceId": row.physical_id or "",
        "ResourceType": row.type,
        "ResourceStatus": f"{row.action}_{row.status}",
        "ResourceStatusReason": row.reason,
    }


def detail(stack: StackRow, row: ResourceRow, metadata: Any) -> dict[str, Any]:
    """Of one resource, with what its metadata say."""
    found = {
        "StackId": stack.id,
        "StackName": stack.name,
        **_row(row),
        "LastUpdatedTimestamp": _when(row),
        "Metadata": json.dumps(metadata),
    }
    return {"StackResourceDetail": found}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def rendered(action: str, result: Any, request_id: str, as_json: bool) -> Reply:
    if as_json:
        return Reply(200, {f"{action}Response": {f"{action}Result": result or {}}})
    inner = "" if result is None else f"<{action}Result>{_xml(result)}</{action}Result>"
    said = f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>"
    body = f"<{action}Response>{inner}{said}</{action}Response>"
    return Reply(200, raw=body.encode(), content_type="application/xml")


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(each)}</member>" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_BAD.sub("\ufffd", str(value)))


_BAD = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""
