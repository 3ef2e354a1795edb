"""What compute's operations share on the wire."""

import base64
import binascii
import ipaddress
from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.who import Who
from cumulo.compute.service.wishes import FileWish
from cumulo.core.clock import Moment, end_of_second, of_text
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^\S(.*\S)?\Z")]
Text = Annotated[str, Meta(max_length=255)]
MetadataKey = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9\-_:. ]+\Z")]
Metadata = dict[MetadataKey, Text]
Links = list[dict[str, str]]


def links(call: Call, collection: str, id: str) -> Links:
    return [
        {"rel": "self", "href": f"{call.base_url}/v2.1/{collection}/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{collection}/{id}"},
    ]


def bookmark(call: Call, collection: str, id: str) -> Links:
    return links(call, collection, id)[1:]


def who(call: Call) -> Who:
    return Who(call.principal, call.request_id)


def server_of(call: Call, tx: Tx, compute: ComputeService) -> ServerRow:
    """The server of the path: 404 for another project's, 403 where the rule says no."""
    row = compute.servers.get(tx, call.path["server_id"], call.principal)
    call.allow({"project_id": row.project_id, "user_id": row.user_id})
    return row


def action(name: str, handler: Any, rule: str, body: Any, **more: Any) -> Operation:
    """One key of `POST /servers/{id}/action`."""
    return Operation(
        "POST",
        "/servers/{server_id}/action",
        handler,
        policy=rule,
        early=False,
        body=body,
        action=name,
        title=f"{name} server",
        **{"status": 202, **more},
    )


def address_of(text: str, version: int) -> str:
    """In its shortest form (RFC 5952), as it is shown."""
    if not text:
        return ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        found = None
    if found is None or found.version != version:
        raise BadRequest(f"accessIPv{version} is not proper IPv{version} format")
    return str(found)


def user_data_of(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        raise BadRequest(
            "Invalid input for field/attribute user_data. It is not a 'base64'"
        ) from None
    return text


def files_of(given: Any) -> list[FileWish]:
    """`personality`: files for the guest."""
    found = []
    for each in () if given is UNSET else given:
        if set(each) - {"path", "contents"} or not each.get("path"):
            raise BadRequest("Invalid input for field/attribute personality: path and contents.")
        content = each.get("contents", "")
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(
                f"Personality content for {each['path']:.80} cannot be decoded: it is no base64."
            ) from None
        found.append(FileWish(each["path"], content))
    return found


def moment_of(text: str, name: str) -> Moment:
    """A time of the query, `2026-11-22T15:04:05Z` or with another zone."""
    try:
        return of_text(text)
    except ValueError:
        raise BadRequest(
            f"Invalid input for query parameters {name}. Value: {text:.80}. '{text:.80}' is not a "
            "'date-time'"
        ) from None


def until_of(text: str, name: str) -> Moment:
    """`moment_of` of a time up to which things are asked for, and which was shown in seconds."""
    return end_of_second(moment_of(text, name))


def or_none(find: Any) -> Any:
    """For markers: what there is not, or is another's, is a bad request (the compute API's 400)."""
    try:
        return find()
    except NotFound:
        return None
