"""How Gnocchi, Aodh and CloudKitty word a refusal."""

import msgspec

from cumulo.core.faults import Fault

JSON = "application/json"


def gnocchi(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    content = {"code": status, "title": fault.title, "description": fault.message}
    return JSON, msgspec.json.encode(content)


def aodh(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    side = "Server" if status >= 500 else "Client"
    content = {"debuginfo": None, "faultcode": side, "faultstring": fault.message}
    return JSON, msgspec.json.encode({"error_message": content})


def cloudkitty(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    return JSON, msgspec.json.encode({"message": fault.message, "code": status})
