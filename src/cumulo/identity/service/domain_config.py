"""Configuration of single domains: which directory their users live in.

Only options that the tables below name can be set. Sensitive ones are kept apart, encrypted, and
never shown; the value of another option may refer to one as `%(password)s`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Forbidden, NotFound
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.domain_config import DomainOptionRow, SensitiveDomainOptionRow
from cumulo.identity.queries import domain_config as queries
from cumulo.identity.service.security import SecurityRules

Config = dict[str, dict[str, Any]]

DEFAULTS: Config = {
    "identity": {"driver": "sql", "list_limit": None},
    "ldap": {
        "url": "ldap://localhost",
        "user": None,
        "suffix": "cn=example,cn=com",
        "query_scope": "one",
        "page_size": 0,
        "alias_dereferencing": "default",
        "debug_level": None,
        "chase_referrals": None,
        "user_tree_dn": None,
        "user_filter": None,
        "user_objectclass": "inetOrgPerson",
        "user_id_attribute": "cn",
        "user_name_attribute": "sn",
        "user_description_attribute": "description",
        "user_mail_attribute": "mail",
        "user_pass_attribute": "userPassword",
        "user_enabled_attribute": "enabled",
        "user_enabled_invert": False,
        "user_enabled_mask": 0,
        "user_enabled_default": "True",
        "user_attribute_ignore": ["default_project_id"],
        "user_default_project_id_attribute": None,
        "user_enabled_emulation": False,
        "user_enabled_emulation_dn": None,
        "user_enabled_emulation_use_group_config": False,
        "user_additional_attribute_mapping": [],
        "group_tree_dn": None,
        "group_filter": None,
        "group_objectclass": "groupOfNames",
        "group_id_attribute": "cn",
        "group_name_attribute": "ou",
        "group_members_are_ids": False,
        "group_member_attribute": "member",
        "group_desc_attribute": "description",
        "group_attribute_ignore": [],
        "group_additional_attribute_mapping": [],
        "tls_cacertfile": None,
        "tls_cacertdir": None,
        "use_tls": False,
        "tls_req_cert": "demand",
        "use_pool": True,
        "pool_size": 10,
        "pool_retry_max": 3,
        "pool_retry_delay": 0.1,
        "pool_connection_timeout": -1,
        "pool_connection_lifetime": 600,
        "use_auth_pool": True,
        "auth_pool_size": 100,
        "auth_pool_connection_lifetime": 60,
    },
}
"""The options that can be set, with what holds where they are not."""

SENSITIVE = {"ldap": ("password",)}

COMPLIANCE = "security_compliance"
COMPLIANCE_OPTIONS = ("password_regex", "password_regex_description")
"""Shown to everybody, so that users know what their passwords must be like."""


class DomainConfigs:
    def __init__(self, keys: KeyRing, rules: SecurityRules) -> None:
        self._keys = keys
        self._rules = rules
        self.on_changed: list[Callable[[Tx, str], None]] = []
        """Called in the transaction that changes a domain's configuration."""

    # What holds where nothing is set

    def default(self, section: str | None = None, option: str | None = None) -> dict[str, Any]:
        """All of it, `{section: …}` or `{option: value}`."""
        if section is None:
            return DEFAULTS
        known = DEFAULTS.get(section)
        if known is None:
            raise _invalid(f"Group {section} is not supported for domain specific configurations")
        if option is None:
            return {section: known}
        if option not in known:
            raise _unsupported(section, option)
        return {option: known[option]}

    def compliance(self, domain_id: str, option: str | None = None) -> dict[str, Any]:
        """The rules of passwords. They are those of the default domain."""
        if domain_id != DEFAULT_DOMAIN_ID:
            raise Forbidden(
                "Reading security compliance information for any domain other than the default "
                "domain is not allowed or supported."
            )
        found = {name: getattr(self._rules, name) or None for name in COMPLIANCE_OPTIONS}
        if option is None:
            return {COMPLIANCE: found}
        if option not in found:
            raise Forbidden(
                "Reading security compliance values other than password_regex and "
                "password_regex_description is not allowed."
            )
        return {option: found[option]}

    # What is set

    def show(
        self, tx: Tx, domain_id: str, section: str | None = None, option: str | None = None
    ) -> dict[str, Any]:
        """What a domain has set, without what is sensitive. 404 where nothing is."""
        _check_domain(tx, domain_id)
        _check_name(section, option)
        config = self._plain(tx, domain_id)
        if section is None:
            if not config:
                raise _missing(domain_id)
            return config
        if option is None:
            if section not in config:
                raise _missing(domain_id, section)
            return {section: config[section]}
        if option not in config.get(section, {}):
            raise _missing(domain_id, section, option)
        return {option: config[section][option]}

    def _plain(self, tx: Tx, domain_id: str) -> Config:
        config: Config = {}
        for row in tx.all(queries.OPTIONS, domain_id=domain_id):
            config.setdefault(row.section, {})[row.option] = msgspec.json.decode(row.value)
        return config

    def _secrets(self, tx: Tx, domain_id: str) -> Config:
        secrets: Config = {}
        for row in tx.all(queries.SENSITIVE, domain_id=domain_id):
            value = msgspec.json.decode(self._keys.decrypt(row.encrypted))
            secrets.setdefault(row.section, {})[row.option] = value
        return secrets

    def whole(self, tx: Tx, domain_id: str) -> Config:
        """What holds for a domain, for whoever connects to its directory: the defaults, what is
        set, and what is sensitive, references filled in. Never to be shown."""
        config = {section: dict(options) for section, options in DEFAULTS.items()}
        secrets = self._secrets(tx, domain_id)
        for section, options in self._plain(tx, domain_id).items():
            known = secrets.get(section, {})
            config[section].update((name, _filled(v, known)) for name, v in options.items())
        for section, options in secrets.items():
            config[section].update(options)
        return config

    def configured(self, tx: Tx) -> list[str]:
        """The ids of the domains that have anything set."""
        return [domain_id for (domain_id,) in tx.tuples(queries.DOMAINS)]

    def replace(
        self, tx: Tx, domain_id: str, config: Mapping[str, Any], who: Principal
    ) -> tuple[Config, bool]:
        """Set exactly this; what is set now, and whether nothing was before."""
        _check_domain(tx, domain_id)
        checked = _checked(config)
        first = not self._drop(tx, domain_id)
        self._write(tx, domain_id, checked)
        self._tell(tx, "create" if first else "update", domain_id, who)
        return self._plain(tx, domain_id), first

    def update(
        self,
        tx: Tx,
        domain_id: str,
        config: Mapping[str, Any],
        section: str | None,
        option: str | None,
        who: Principal,
    ) -> Config:
        """Set these too. With a section (and an option) the config must be of it alone, and it
        must have been set before."""
        _check_domain(tx, domain_id)
        _check_name(section, option)
        if section is not None and option is not None:
            _check_alone(config, option, f"option {option} in group {section}", "option")
            config = {section: config}
        elif section is not None:
            _check_alone(config, section, f"group {section}", "group")
        checked = _checked(config)
        if section is not None:
            before = self._all_of(tx, domain_id).get(section)
            if before is None or (option is not None and option not in before):
                raise _missing(domain_id, section, option)
        self._write(tx, domain_id, checked)
        self._tell(tx, "update", domain_id, who)
        return self._plain(tx, domain_id)

    def delete(
        self, tx: Tx, domain_id: str, section: str | None, option: str | None, who: Principal
    ) -> None:
        _check_domain(tx, domain_id)
        _check_name(section, option)
        found = self._drop(tx, domain_id, section, option)
        if section is not None and not found:
            raise _missing(domain_id, section, option)
        self._tell(tx, "delete", domain_id, who)

    def _all_of(self, tx: Tx, domain_id: str) -> dict[str, set[str]]:
        """Section → the names of what is set in it, sensitive options too."""
        names: dict[str, set[str]] = {}
        for row in self._rows(tx, domain_id):
            names.setdefault(row.section, set()).add(row.option)
        return names

    def _rows(self, tx: Tx, domain_id: str) -> list[DomainOptionRow | SensitiveDomainOptionRow]:
        plain = tx.all(queries.OPTIONS, domain_id=domain_id)
        return [*plain, *tx.all(queries.SENSITIVE, domain_id=domain_id)]

    def _drop(
        self, tx: Tx, domain_id: str, section: str | None = None, option: str | None = None
    ) -> bool:
        """Whether there was anything to drop."""
        found = False
        for row in self._rows(tx, domain_id):
            if section in (None, row.section) and option in (None, row.option):
                tx.delete(row)
                found = True
        return found

    def _write(self, tx: Tx, domain_id: str, config: Config) -> None:
        for section, options in config.items():
            for option, value in options.items():
                self._drop(tx, domain_id, section, option)
                text = msgspec.json.encode(value).decode()
                if option in SENSITIVE.get(section, ()):
                    encrypted = self._keys.encrypt(text)
                    tx.insert(SensitiveDomainOptionRow(domain_id, section, option, encrypted))
                else:
                    tx.insert(DomainOptionRow(domain_id, section, option, text))

    def _tell(self, tx: Tx, verb: str, domain_id: str, who: Principal) -> None:
        emit(tx, f"identity.domain_config.{verb}", domain_id, principal=who)
        for listener in self.on_changed:
            listener(tx, domain_id)


def _filled(value: Any, secrets: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        for name, secret in secrets.items():
            value = value.replace(f"%({name})s", str(secret))
    return value


def _checked(config: Mapping[str, Any]) -> Config:
    """The config; 403 for what cannot be set."""
    if not config:
        raise _invalid("No options specified")
    for section, options in config.items():
        if not isinstance(options, dict):
            raise _invalid(
                f"The value of group {section} specified in the config should be a dictionary of "
                "options"
            )
        _check_name(section, None)
        for option, value in options.items():
            _check_name(section, option)
            if isinstance(value, dict):
                raise _invalid(f"The value of option {option} in group {section} is not plain")
    return dict(config)


def _check_name(section: str | None, option: str | None) -> None:
    if section is None:
        return
    if section not in DEFAULTS:
        raise _invalid(f"Group {section} is not supported for domain specific configurations")
    known = (*DEFAULTS[section], *SENSITIVE.get(section, ()))
    if option is not None and option not in known:
        raise _unsupported(section, option)


def _check_alone(config: Mapping[str, Any], name: str, what: str, noun: str) -> None:
    if len(config) != 1:
        raise _invalid(
            f"Trying to update {what}, so that, and only that, {noun} must be specified in the "
            "config provided"
        )
    other = next(iter(config))
    if other != name:
        raise _invalid(
            f"Trying to update {what}, but config provided contains {noun} {other} instead"
        )


def _check_domain(tx: Tx, domain_id: str) -> None:
    if tx.get(DomainRow, domain_id) is None:
        raise NotFound(f"Could not find domain: {domain_id}.")


def _unsupported(section: str, option: str) -> Forbidden:
    return _invalid(
        f"Option {option} in group {section} is not supported for domain specific configurations"
    )


def _invalid(reason: str) -> Forbidden:
    return Forbidden(f"Invalid domain specific configuration: {reason}.")


def _missing(domain_id: str, section: str | None = None, option: str | None = None) -> NotFound:
    what = "any options" if section is None else f"group {section}"
    if option is not None:
        what = f"option {option} in group {section}"
    return NotFound(f"Could not find {what} in domain configuration for domain {domain_id}.")
