"""What a foreign provider has said, and how its word can fail."""

import msgspec


class NotBelieved(Exception):
    """What was presented is not good; the text says why, without secrets of it."""


class ProviderUnreachable(Exception):
    """The provider does not answer, or not what its standard says."""


class Assertion(msgspec.Struct, frozen=True):
    """A signed SAML assertion for this cloud. `expires`: seconds since the epoch."""

    id: str
    issuer: str
    name_id: str
    attributes: dict[str, list[str]]
    in_response_to: str | None
    expires: float
