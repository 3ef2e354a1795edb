"""What a web server in front has found out about a client (see core.http.front)."""

import base64
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the front says of a client; all empty where there is none, or it says nothing."""

    user: str = ""
    domain: str = ""
    certificate: str = ""
    """PEM, always in the same spelling."""

    @property
    def thumbprint(self) -> str:
        """As tokens have it (`x5t#S256`): SHA-256 of the PEM text, base64url. Empty: none."""
        if not self.certificate:
            return ""
        digest = hashlib.sha256(self.certificate.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode()


NOBODY = Vouched()
