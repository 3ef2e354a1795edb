"""Real answers held against the response types that their operations declare."""

import msgspec

from cumulo.core.faults import Fault
from cumulo.core.http.application import Application
from cumulo.core.http.execution import candidates, pick
from cumulo.core.http.operations import Operation
from cumulo.core.http.responses import NO_JSON, Empty, response_of
from cumulo.core.wire.shapes import Version, answer_type


def misfit(
    application: Application,
    method: str,
    path: str,
    body: bytes,
    status: int,
    headers: dict[str, str],
    raw: bytes,
) -> str:
    """What an answer has otherwise than its operation says; empty when it fits, or when the
    operation says nothing of it."""
    path, _, query = path.partition("?")
    found = application.operations_at(path)
    # An object of no bytes has the type that its owner said.
    own = found is not None and found[0].speaks == "octets"
    if not raw and method != "HEAD" and not own and "json" in headers.get("content-type", ""):
        return f"{method} {path} says JSON of an empty body"
    if found is None or method not in found[1] or "json" not in headers.get("content-type", ""):
        return ""
    face, methods, _ = found
    version = None
    if face.microversions is not None and "openstack-api-version" in headers:
        version = Version.parse(headers["openstack-api-version"].split()[-1])
    try:
        operation: Operation = pick(candidates(methods[method], version, query), body)[0]
    except Fault:
        return ""
    response = response_of(face, operation)
    if response is None or not 200 <= status < 300:
        return ""
    if "fields=" in query:
        return ""  # what was asked for, and no more
    if response in NO_JSON:
        # Some say both: a container's list, as text or as JSON.
        return f"{method} {operation.path} answers with JSON" if raw and response is Empty else ""
    if not raw:
        return ""
    try:
        msgspec.json.decode(raw, type=answer_type(response, version))
    except msgspec.ValidationError as error:
        name = getattr(response, "__name__", response)
        return f"{method} {operation.path} answers otherwise than {name} says: {error}"
    return ""
