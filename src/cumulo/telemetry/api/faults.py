"""How Gnocchi, Aodh and CloudKitty word a refusal."""

import msgspec

from cumulo.core.faults import Fault

JSON = "application/json"


def gnocchi(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """Of what names things that there are not, a cause and which ones: publishers make them then
    (`details` of a fault with a `cause`; its `detail` is JSON)."""
    description: object = fault.message
    if "cause" in fault.details:
        detail = msgspec.json.decode(fault.details["detail"])
        description = {"cause": fault.details["cause"], "detail": detail}
    content = {"code": status, "title": fault.title, "description": description}
    return JSON, msgspec.json.encode(content)


def aodh(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    side = "Server" if status >= 500 else "Client"
    content = {"debuginfo": None, "faultcode": side, "faultstring": fault.message}
    return JSON, msgspec.json.encode({"error_message": content})


def cloudkitty(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    return JSON, msgspec.json.encode({"message": fault.message, "code": status})
