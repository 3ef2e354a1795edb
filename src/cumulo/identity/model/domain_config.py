"""What a domain has otherwise than the settings say: where its users come from."""

from typing import Annotated

from cumulo.core.db.rows import Key, References, Row, table


@table("identity_domain_options")
class DomainOptionRow(Row, frozen=True):
    domain_id: Annotated[str, Key(), References("identity_domains.id", on_delete="CASCADE")]
    section: Annotated[str, Key()]
    option: Annotated[str, Key()]
    value: str
    """JSON text."""


@table("identity_sensitive_domain_options")
class SensitiveDomainOptionRow(Row, frozen=True):
    """The same for what nobody is shown: passwords."""

    domain_id: Annotated[str, Key(), References("identity_domains.id", on_delete="CASCADE")]
    section: Annotated[str, Key()]
    option: Annotated[str, Key()]
    encrypted: str
    """JSON text as a Fernet token of the credential keys."""
