"""Tags of projects on the wire: identity API v3, `projects/{id}/tags`."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.urls import ascii_url
from cumulo.identity.api.projects import allowed_project
from cumulo.identity.service import tags as verbs
from cumulo.identity.service.identity import IdentityService


class TagsBody(msgspec.Struct, forbid_unknown_fields=True):
    tags: verbs.Tags


class TagsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    def operations(self) -> list[Operation]:
        many = "/v3/projects/{project_id}/tags"
        one = many + "/{tag}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", early=False, **more)

        return [
            of("GET", many, self.index, "list_project_tags"),
            of("PUT", many, self.replace, "update_project_tags", body=TagsBody),
            of("DELETE", many, self.clear, "delete_project_tags", status=204),
            of("GET", one, self.check, "get_project_tag", status=204),
            of("PUT", one, self.add, "create_project_tag", status=201),
            of("DELETE", one, self.remove, "delete_project_tag", status=204),
        ]

    def _body(self, call: Call, tags: list[str]) -> Any:
        return {"tags": tags, "links": {"next": None, "self": call.url, "previous": None}}

    def index(self, call: Call, tx: Tx) -> Any:
        return self._body(call, allowed_project(call, tx, self._identity).tags)

    def replace(self, call: Call, tx: Tx) -> Any:
        row = allowed_project(call, tx, self._identity)
        changed = verbs.set_tags(tx, row, call.body.tags, call.principal)
        return self._body(call, changed.tags)

    def clear(self, call: Call, tx: Tx) -> None:
        verbs.set_tags(tx, allowed_project(call, tx, self._identity), [], call.principal)

    def check(self, call: Call, tx: Tx) -> None:
        verbs.check_tag(allowed_project(call, tx, self._identity), call.path["tag"])

    def add(self, call: Call, tx: Tx) -> Reply:
        row = allowed_project(call, tx, self._identity)
        verbs.add_tag(tx, row, call.path["tag"], call.principal)
        return Reply(201, None, {"Location": ascii_url(call.url)})

    def remove(self, call: Call, tx: Tx) -> None:
        row = allowed_project(call, tx, self._identity)
        verbs.remove_tag(tx, row, call.path["tag"], call.principal)
