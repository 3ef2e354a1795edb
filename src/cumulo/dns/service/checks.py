"""What zones and records have to be, whoever asks: texts, numbers, names."""

from ipaddress import ip_address
from typing import Any

from cumulo.dns import names, rdata
from cumulo.dns.service.refusals import InvalidObject, bad_request, wrong

MOST_TTL = 2**31 - 1
MOST_DESCRIPTION = 160
MOST_RECORDS = 1000
"""In one set: reading so many takes 50 ms. Quotas are far below."""


def text_of(name: str, value: Any, most: int) -> str | None:
    """A text or null."""
    if value is not None and not isinstance(value, str):
        raise InvalidObject(wrong([name], f"{value!r} is not of type 'string'", "type", "string"))
    if value is not None and len(value) > most:
        raise InvalidObject(wrong([name], f"Value too long for {name}", "maxLength", most))
    return value


def number_of(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidObject(wrong([name], f"{value!r} is not of type 'integer'", "type", "integer"))
    if not least <= value <= most:
        word, bound = ("minimum", least) if value < least else ("maximum", most)
        raise InvalidObject(wrong([name], f"{value} is not in {least}..{most}", word, bound))
    return value


def ttl_of(value: Any, *, least: int, floor: int, low: bool) -> int | None:
    """`floor`: the cloud's least one, which `low` need not keep."""
    if value is None:
        return None
    ttl = number_of("ttl", value, least, MOST_TTL)
    if ttl < floor and not low:
        raise bad_request(f"TTL is below the minimum: {floor}", "invalid_ttl")
    return ttl


def name_of(field: str, value: Any, *, wildcard: bool = False) -> str:
    """The name in lower case: names that differ in case alone are one (RFC 4343)."""
    if not isinstance(value, str):
        raise InvalidObject(wrong([field], f"{value!r} is not of type 'string'", "type", "string"))
    name = value.lower()
    fault = names.fault_of(name, wildcard=wildcard)
    if fault is not None:
        raise InvalidObject(wrong([field], f"'{value[:300]}' is not a name: {fault}"))
    return name


def email_of(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 255:
        raise InvalidObject(wrong(["email"], f"{value!r:.300} is not an email", "format", "email"))
    local, at, domain = value.partition("@")
    fault = names.fault_of(f"{local}.{domain}.".lower())
    if not at or not local or "@" in domain or fault is not None:
        raise InvalidObject(wrong(["email"], f"'{value}' is not an email", "format", "email"))
    return value


def records_of(kind: str, value: Any) -> tuple[list[str], bytes]:
    """The texts of records as they were given, each once, and what the name server sends."""
    if not isinstance(value, list) or not value:
        raise InvalidObject(
            wrong(["records"], f"{value!r:.200} is not a valid list of records", "type", ["list"])
        )
    if len(value) > MOST_RECORDS:
        raise InvalidObject(wrong(["records"], "too many records", "maxItems", MOST_RECORDS))
    errors, texts = [], []
    wires: dict[bytes, None] = {}
    for index, each in enumerate(value):
        try:
            if not isinstance(each, str):
                raise rdata.BadRecord("it is no text")
            wire = rdata.to_wire(kind, each)
        except rdata.BadRecord as error:
            message = f"'{each!s:.300}' is not a '{kind}' Record: {error}"
            errors.append(wrong(["records", index], message, "format", [kind]))
            continue
        if wire not in wires:
            texts.append(each)
            wires[wire] = None
    if errors:
        raise InvalidObject(*errors)
    return texts, rdata.pack(list(wires))


def type_of(value: Any) -> str:
    if value not in rdata.TYPES:
        message = f"'{value!s:.60}' is not a supported record type"
        raise InvalidObject(wrong(["type"], message, "value", sorted(rdata.TYPES)))
    return str(value)


def master_of(index: int, value: Any) -> str:
    """An address with or without a port, as it was given."""
    text = value if isinstance(value, str) else ""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ip_address(host)
        if text.endswith(":") or (port and not 0 < int(port) < 65536):
            raise ValueError
    except ValueError:
        raise InvalidObject(
            wrong(["masters", index], f"{value!r:.200} is no address with or without a port")
        ) from None
    return text
