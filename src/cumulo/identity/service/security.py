"""The rules that an operator sets for passwords and accounts (settings, `[identity]`)."""

import msgspec


class SecurityRules(msgspec.Struct, frozen=True):
    """Under the real service's names; the numbers are off (0) unless somebody wants them."""

    token_lifetime: float = 3600.0
    """Seconds."""
    allow_expired_window: float = 172_800.0
    """Seconds after its end in which a token still counts for a service that ends a long task."""
    lockout_failure_attempts: int = 0
    lockout_duration: float = 1800.0
    """Seconds."""
    disable_user_account_days_inactive: int = 0
    password_expires_days: int = 0
    unique_last_password_count: int = 0
    minimum_password_age: int = 0
    """Days."""
    password_regex: str = ""
    password_regex_description: str = ""
    change_password_upon_first_use: bool = False
    totp_once: bool = False
    totp_alone: bool = False
    max_redelegation_count: int = 3
    user_limit_application_credentials: int = 0
    """For each user; 0: any number."""

    allow_insecure_application_credential_trust_escalation: bool = False

    @property
    def watches_users(self) -> bool:
        """Whether it counts what a user does: it is written down at each login."""
        return bool(self.lockout_failure_attempts or self.disable_user_account_days_inactive)
