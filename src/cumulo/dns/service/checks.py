"""What zones and records have to be, whoever asks: texts, numbers, names."""

from ipaddress import ip_address
from typing import Any

from cumulo.dns import names, rdata
from cumulo.dns.service.refusals import InvalidObject, bad_request, wrong

MOST_TTL = 2**31 - 1
MOST_DESCRIPTION = 160
MOST_ATTRIBUTES = 64
_PROTOCOLS = frozenset(("_tcp", "_udp", "_sctp", "_dccp"))
MOST_RECORDS = 1000
"""In one set: reading so many takes 50 ms. Quotas are far below."""


def text_of(name: str, value: Any, most: int) -> str | None:
    """A text or null."""
    if value is not None and not isinstance(value, str):
        raise InvalidObject(
            wrong([name], f"{value!r:.200} is not of type 'string'", "type", "string")
        )
    if value is not None and len(value) > most:
        raise InvalidObject(wrong([name], f"Value too long for {name}", "maxLength", most))
    return value


def number_of(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidObject(
            wrong([name], f"{value!r:.200} is not of type 'integer'", "type", "integer")
        )
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
        raise InvalidObject(
            wrong([field], f"{value!r:.200} is not of type 'string'", "type", "string")
        )
    name = value.lower()
    fault = names.fault_of(name, wildcard=wildcard)
    if fault is not None and not value.isascii():
        fault = f"it is written {_ascii(value)} in DNS"
    if fault is not None:
        raise InvalidObject(wrong([field], f"'{value[:300]}' is not a name: {fault}"))
    return name


def _ascii(value: str) -> str:
    """A name of other letters as DNS has it (IDNA 2008)."""
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(value[:255], idna_codec=dns.name.IDNA_2008_Practical).to_text()
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return "in no way"


def shown_of(given: str, name: str) -> str | None:
    """What to show of a name: with the case of letters as it was given, if that is another one."""
    return None if given == name else given


def email_of(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 255:
        raise InvalidObject(wrong(["email"], f"{value!r:.300} is not an email", "format", "email"))
    local, at, domain = value.partition("@")
    fault = names.fault_of(f"{local}.{domain}.".lower())
    if not at or not local or "@" in domain or len(local) > names.MOST_LABEL or fault:
        raise InvalidObject(wrong(["email"], f"'{value}' is not an email", "format", "email"))
    return value


def attributes_of(value: Any) -> dict[str, str]:
    """Words for whoever chooses the pool."""
    if not isinstance(value, dict) or len(value) > MOST_ATTRIBUTES:
        message = f"{value!r:.200} is not of type 'object'"
        raise InvalidObject(wrong(["attributes"], message, "type", "object"))
    for key, each in value.items():
        if not isinstance(each, str) or not key or max(len(key), len(each)) > 255:
            message = f"{each!r:.200} is no text of at most 255 characters"
            raise InvalidObject(wrong(["attributes", key[:255]], message, "type", "string"))
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


def owner_of(kind: str, name: str) -> None:
    """Names that some types may not have, or have to (RFC 4592, 4.2; RFC 6698, 3)."""
    if kind == "NS" and name.startswith("*."):
        raise InvalidObject(wrong(["name"], "a wildcard is no delegation", "format", "hostname"))
    if kind == "TLSA":
        port, protocol = [*name.split("."), "", ""][:2]
        if not (
            port.startswith("_")
            and port[1:].isascii()
            and port[1:].isdecimal()
            and len(port) <= 6
            and int(port[1:]) <= 65535
            and protocol in _PROTOCOLS
        ):
            raise bad_request("A TLSA record is at _PORT._PROTOCOL below a name")


def type_of(value: Any) -> str:
    if value not in rdata.TYPES:
        message = f"'{value!s:.60}' is not a supported record type"
        raise InvalidObject(wrong(["type"], message, "value", sorted(rdata.TYPES)))
    return str(value)


def _is_host(text: str) -> bool:
    """A name of at least two labels, the last one no number."""
    name = f"{text.lower().removesuffix('.')}."
    last = name.rstrip(".").rpartition(".")[2]
    return name.count(".") > 1 and not last[:64].isdigit() and names.fault_of(name) is None


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def host_of(master: str) -> str:
    """Of one that was checked."""
    if master.startswith("["):
        return master[1:].partition("]")[0]
    return master.partition(":")[0] if master.count(":") == 1 else master


def master_of(index: int, value: Any) -> str:
    """An address or a host's name, with or without a port, as it was given."""
    text = value if isinstance(value, str) else ""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        if not _is_host(host):
            ip_address(host)
        if text.endswith(":") or (port and not 0 < int(port) < 65536):
            raise ValueError
    except ValueError:
        raise InvalidObject(
            wrong(
                ["masters", index],
                f"{value!r:.200} is no address and no host, with or without a port",
            )
        ) from None
    return text
