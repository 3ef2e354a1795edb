"""Many things in one request: bulk delete, and how such requests tell what became of each."""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.api.asked import Asked, format_of
from cumulo.object_store.api.patience import patient
from cumulo.object_store.model import limits, names
from cumulo.object_store.model.faults import (
    BadInput,
    NoSuchContainer,
    NoSuchObject,
    StoreFault,
    TooLarge,
)
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.object_store import ObjectStoreService

_KINDS = {"plain": "text/plain", "json": "application/json", "xml": "text/xml"}


class Outcome:
    """What became of each."""

    def __init__(self, what: str = "Number Deleted", done: str = "200 OK") -> None:
        self._what = what
        self._done = done
        self._text = ""
        self.deleted = 0
        self.missing = 0
        self.errors: list[tuple[str, str]] = []
        self.status = ""

    @property
    def goes_on(self) -> bool:
        """Not too much has failed yet."""
        return len(self.errors) < limits.MAX_FAILED_DELETES

    def failed(self, path: str, fault: Fault) -> None:
        if isinstance(fault, NoSuchObject | NoSuchContainer):
            self.missing += 1
        else:
            self.errors.append((quote(path), f"{fault.status} {fault.title}"))

    def stop(self, why: str, status: str = "413 Request Entity Too Large") -> None:
        """It went no further."""
        self._text, self.status = why, status

    def reply(self, asked: Asked) -> Reply:
        """200, whatever became of it: the status is in the body."""
        status = self.status or self._status()
        counts = {self._what: self.deleted}
        if self._done == "200 OK":
            counts["Number Not Found"] = self.missing
        kind = format_of(asked.call)
        found: Mapping[str, object] = {
            **counts,
            "Response Body": self._text,
            "Response Status": status,
        }
        body = _WRITERS[kind](found, self.errors)
        headers = {"Content-Length": str(len(body))}
        return Reply(200, headers=headers, raw=body, content_type=_KINDS[kind])

    def _status(self) -> str:
        if self.errors:
            return "401 Unauthorized" if _all_401(self.errors) else "400 Bad Request"
        if not self.deleted and not self.missing:
            return "400 Bad Request"
        return self._done


def kind_of(asked: Asked) -> str:
    """The type of what tells the outcome. Raises NotAcceptable."""
    return _KINDS[format_of(asked.call)]


def broken(asked: Asked) -> Callable[[StoreFault], bytes]:
    """An outcome that is a refusal, for an answer that has begun."""

    def failed(fault: StoreFault) -> bytes:
        outcome = Outcome()
        outcome.stop(fault.message, f"{fault.status} {fault.title}")
        return outcome.reply(asked).raw or b""

    return failed


def upload_told(asked: Asked, found: Mapping[str, object]) -> bytes:
    """The same of one large object that is made."""
    body = _WRITERS[format_of(asked.call)](found, [])
    return body.replace(b"delete>", b"upload>")


def _all_401(errors: list[tuple[str, str]]) -> bool:
    return all(status.startswith("401") for _, status in errors)


def _text(found: Mapping[str, object], errors: list[tuple[str, str]]) -> bytes:
    lines = [f"{name}: {value}\n" for name, value in found.items()]
    lines.append("Errors:\n")
    lines += [f"{path}, {status}\n" for path, status in errors]
    return "".join(lines).encode()


def _json(found: Mapping[str, object], errors: list[tuple[str, str]]) -> bytes:
    return msgspec.json.encode({**found, "Errors": [list(pair) for pair in errors]})


def _xml(found: Mapping[str, object], errors: list[tuple[str, str]]) -> bytes:
    lines = ["<delete>\n"]
    for name, value in found.items():
        tag = name.lower().replace(" ", "_")
        lines.append(f"<{tag}>{escape(str(value))}</{tag}>\n")
    lines.append("<errors>\n")
    for path, status in errors:
        lines.append(
            f"<object><name>{escape(path)}</name><status>{escape(status)}</status></object>\n"
        )
    lines.append("</errors>\n</delete>\n")
    return "".join(lines).encode()


_WRITERS = {"plain": _text, "json": _json, "xml": _xml}


class BulkApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        return [
            Operation(method, path, self.delete, kind="stream", query="bulk-delete")
            for method in ("POST", "DELETE")
            # What is named behind the account means nothing: the body says what is deleted.
            for path in (
                "/v1/{account}",
                "/v1/{account}/{container}",
                "/v1/{account}/{container}/{object:raw}",
            )
        ]

    async def delete(self, call: Call) -> Reply:
        """The body names one container or object a line, percent-encoded."""
        asked = Asked(call)
        if asked.access.who is None:
            raise asked.access.refusal()
        # Each line is asked about for itself: whoever may write one container deletes there.
        paths = await self._paths(asked)
        return await patient(self._all(asked, paths), kind_of(asked), broken(asked))

    async def _all(self, asked: Asked, paths: list[str]) -> Reply:
        outcome = Outcome()
        for path in paths:
            container, _, name = path.removeprefix("/").partition("/")
            try:
                work = partial(self._delete, access=asked.access, container=container, name=name)
                await self._store.write(work, name="object delete")
                outcome.deleted += 1
            except StoreFault as fault:
                outcome.failed(path, fault)
                if not outcome.goes_on:
                    outcome.stop("Max delete failures exceeded")
                    break
        return outcome.reply(asked)

    def _delete(self, tx: Tx, access: Access, container: str, name: str) -> None:
        if name:
            access = access.doing("s3:DeleteObject")
            if not self._store.object_versions.delete(tx, access, container, name).found:
                raise NoSuchObject()
        else:
            self._store.containers.delete(tx, access.doing("s3:DeleteBucket"), container)

    async def _paths(self, asked: Asked) -> list[str]:
        found: list[str] = []
        rest = b""
        assert asked.call.stream is not None
        async for piece in asked.call.stream:
            *lines, rest = (rest + piece).split(b"\n")
            found += [self._path(line) for line in lines if line.strip()]
            if len(found) > limits.MAX_DELETES:
                raise TooLarge(f"Maximum Bulk Deletes: {limits.MAX_DELETES} per request")
            if len(rest) > limits.MAX_DELETE_NAME:
                raise BadInput("Invalid File Name")
        if rest.strip():
            found.append(self._path(rest))
        return found

    def _path(self, line: bytes) -> str:
        if len(line) > limits.MAX_DELETE_NAME:
            raise BadInput("Invalid File Name")
        path = names.decoded(line.strip().decode("utf-8", "replace"))
        return path
