"""OAuth 2.0 clients that show a certificate (RFC 8705): a user, its certificate, a bound token.

The certificate's names are attributes for the mapping language, `SSL_CLIENT_SUBJECT_DN_CN` and so
on. What the mapping makes of them must be what the user is: it decides which certificate speaks
for whom. The token is for the user's default project, and good only with the same certificate.
Source: identity API v3, `OS-OAUTH2/token`; names of attributes by RFC 4514, and EMAILADDRESS.
"""

from collections import defaultdict

from cumulo.core.auth.vouched import Vouched
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Fault
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import Binding, Identified, Scope, refused
from cumulo.identity.service.federation.mapping import (
    Mapped,
    SchemaVersion,
    apply_rules,
    check_rules,
)
from cumulo.identity.service.federation.providers import FederationProviders

MAPPING = "oauth2_mapping"
"""The id of the mapping, as the real service has it."""


class CertificateClients:
    def __init__(self, database: Database, federation: FederationProviders) -> None:
        self._database = database
        self._federation = federation

    async def identify(self, client_id: str, vouched: Vouched) -> Identified:
        """The user of that id, if the certificate is its own. Raises Unauthorized."""
        return await self._database.read(lambda tx: self._identify(tx, client_id, vouched))

    def _identify(self, tx: Tx, client_id: str, vouched: Vouched) -> Identified:
        user = tx.get(UserRow, client_id)
        if user is None or not user.default_project_id:
            raise refused()
        home = tx.get(DomainRow, user.domain_id)
        if home is None or not _is_same(self._mapped(tx, vouched.certificate), user, home):
            raise refused()
        return Identified(
            user=user,
            methods=("oauth2_credential",),
            scope=Scope("project", user.default_project_id),
            wish="none",
            binding=Binding(certificate=vouched.thumbprint),
        )

    def _mapped(self, tx: Tx, certificate: str) -> Mapped:
        try:
            row = self._federation.mapping(tx, MAPPING)
            version: SchemaVersion = "2.0" if row.schema_version == "2.0" else "1.0"
            rules = check_rules(row.rules, version)
            return apply_rules(rules, names_of(certificate), version, row.id)
        except (Fault, ValueError):  # no mapping, none of its rules applies, no certificate
            raise refused() from None


def names_of(certificate: str) -> dict[str, str]:
    """The names of a certificate (PEM) and of its issuer. Raises ValueError."""
    # Large, and needed only where clients have certificates.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    read = x509.load_pem_x509_certificate(certificate.encode())
    found: dict[str, list[str]] = defaultdict(list)
    for kind, name in (("SUBJECT", read.subject), ("ISSUER", read.issuer)):
        for each in name:
            is_mail = each.oid == NameOID.EMAIL_ADDRESS
            key = "EMAILADDRESS" if is_mail else each.rfc4514_attribute_name.upper()
            found[f"SSL_CLIENT_{kind}_DN_{key}"].append(str(each.value))
    return {key: ";".join(values) for key, values in found.items()}


def _is_same(mapped: Mapped, user: UserRow, home: DomainRow) -> bool:
    """Everything that the mapping says is so; it must at least say who it is."""
    if not mapped.user_id and not mapped.user_name:
        return False
    domain = mapped.user_domain
    said = [
        (mapped.user_id, user.id),
        (mapped.user_name, user.name),
        (mapped.email, user.extra.get("email")),
        (None if domain is None else domain.id, home.id),
        (None if domain is None else domain.name, home.name),
    ]
    return all(not word or word == fact for word, fact in said)
