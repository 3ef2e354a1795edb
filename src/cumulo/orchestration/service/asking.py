"""Custom constraints: whether what a template names is there, asked as who asks for the stack."""

import datetime
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from cumulo.core.faults import Fault, NotFound
from cumulo.orchestration.language.constraints import Custom
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.handlers import Asker
from cumulo.orchestration.service.rest_handler import RestHandler, find
from cumulo.orchestration.service.types import Types

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_DNS = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-)){0,126}\.?")
_SHAPES: Mapping[str, Callable[[str], Any]] = {
    "ip_addr": ipaddress.ip_address,
    "net_cidr": lambda text: ipaddress.ip_network(text, strict=False),
    "ip_or_cidr": lambda text: ipaddress.ip_network(text, strict=False),
    "mac_addr": lambda text: _fits(_MAC, text),
    "dns_name": lambda text: _fits(_DNS, text),
    "rel_dns_name": lambda text: _fits(_DNS, text),
    "dns_domain": lambda text: _fits(_DNS, text),
    "iso_8601": datetime.datetime.fromisoformat,
    "expiration": datetime.datetime.fromisoformat,
}
"""Those that are about the text alone: each raises ValueError."""


def _fits(pattern: re.Pattern[str], text: str) -> None:
    if len(text) > 255 or not pattern.fullmatch(text):
        raise ValueError(f"{text[:100]!r} does not have the form")


def custom_of(types: Types, asker: Asker) -> Custom:
    """The check of parameters' `custom_constraint`."""

    def custom(name: str, value: Any) -> str | None:
        said = f"Error validating value {str(value)[:100]!r}"
        shape, finder = _SHAPES.get(name), types.constraints.get(name)
        if shape is not None:
            try:
                shape(str(value)[:1000])
            except ValueError as error:
                return f"{said}: {error}"
            return None
        if finder is None:
            return f"there is no constraint {name}"
        try:
            find(asker, finder, str(value))
        except (Invalid, NotFound) as problem:
            return f"{said}: {problem}"
        except Fault:
            # Not theirs to look at: the service itself will say so.
            return None
        return None

    return custom


def check_names(
    handler: RestHandler, asker: Asker, properties: Mapping[str, Any], path: str
) -> None:
    """Raises Invalid where a property names what is not there."""
    try:
        handler.found(asker, handler.properties, properties)
    except (Invalid, NotFound) as problem:
        raise Invalid(f"Property error: {problem}", path) from None
    except Fault:
        return
