"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "compute_aggregates",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("uuid", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hosts", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compute_aggregates")),
    )
    op.create_table(
        "events",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("request_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("detail", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_resource_id_sequence",
        "events",
        ["resource_id", "sequence"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "flavors",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("vcpus", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ram", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("disk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ephemeral", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("swap", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rxtx_factor", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("is_public", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("disabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("extra_specs", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flavors")),
        sa.UniqueConstraint("name", name=op.f("uq_flavors_name")),
    )
    op.create_table(
        "hosts",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("last_seen", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosts")),
    )
    op.create_table(
        "hypervisors",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service_uuid", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resources", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("disabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("disabled_reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("forced_down", sa.Boolean(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hypervisors")),
        sa.UniqueConstraint("host_id", name=op.f("uq_hypervisors_host_id")),
    )
    op.create_table(
        "identity_consumers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("encrypted_secret", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_consumers")),
    )
    op.create_table(
        "identity_domains",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("options", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_domains")),
        sa.UniqueConstraint("name", name=op.f("uq_identity_domains_name")),
    )
    op.create_table(
        "identity_endpoint_groups",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("filters", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_endpoint_groups")),
    )
    op.create_table(
        "identity_mappings",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("schema_version", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_mappings")),
    )
    op.create_table(
        "identity_policies",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_policies")),
    )
    op.create_table(
        "identity_regions",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("parent_region_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_region_id"],
            ["identity_regions.id"],
            name=op.f("fk_identity_regions_parent_region_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_regions")),
    )
    op.create_table(
        "identity_revocations",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("issued_before", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revoked_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_revocations")),
    )
    op.create_index(
        op.f("ix_identity_revocations_audit_id"), "identity_revocations", ["audit_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_revocations_revoked_at"),
        "identity_revocations",
        ["revoked_at"],
        unique=False,
    )
    op.create_table(
        "identity_roles",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("options", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_roles")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_roles_domain_id_name")),
    )
    op.create_table(
        "identity_seen_assertions",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_seen_assertions")),
    )
    op.create_index(
        "ix_identity_seen_assertions_expires",
        "identity_seen_assertions",
        ["expires"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_service_providers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("auth_url", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sp_url", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("relay_state_prefix", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_service_providers")),
    )
    op.create_table(
        "identity_services",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_services")),
    )
    op.create_index(op.f("ix_identity_services_type"), "identity_services", ["type"], unique=False)
    op.create_table(
        "identity_sign_ons",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idp_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("protocol_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("verifier", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("browser", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attributes", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("expires", sa.Double(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_sign_ons")),
    )
    op.create_index(
        "ix_identity_sign_ons_expires",
        "identity_sign_ons",
        ["expires"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "image_cache",
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("cached", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hits", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queued_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("cached_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("used_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_image_cache")),
    )
    op.create_index(op.f("ix_image_cache_due"), "image_cache", ["due"], unique=False)
    op.create_table(
        "image_removals",
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("image_id", "store", name=op.f("pk_image_removals")),
    )
    op.create_index(op.f("ix_image_removals_due"), "image_removals", ["due"], unique=False)
    op.create_table(
        "image_tasks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("request_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("input", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("result", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("message", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("work", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lease_by", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("due", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_tasks")),
    )
    op.create_index(op.f("ix_image_tasks_created_at"), "image_tasks", ["created_at"], unique=False)
    op.create_index(op.f("ix_image_tasks_due"), "image_tasks", ["due"], unique=False)
    op.create_index(op.f("ix_image_tasks_image_id"), "image_tasks", ["image_id"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("upload_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("upload_until", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("deactivated", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("visibility", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("os_hidden", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("protected", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("disk_format", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("container_format", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("min_disk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("min_ram", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("virtual_size", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("checksum", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("hash_algo", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("hash_value", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("stores", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("staged_size", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("import_task", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("importing_to", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("failed_import", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_index(op.f("ix_images_created_at"), "images", ["created_at"], unique=False)
    op.create_index(
        "ix_images_owner_created_at",
        "images",
        ["owner", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_images_visibility_created_at",
        "images",
        ["visibility", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "key_pairs",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("public_key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_pairs")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_key_pairs_user_id_name")),
    )
    op.create_table(
        "metadef_catalogue",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("loaded_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_metadef_catalogue")),
    )
    op.create_table(
        "metadef_namespaces",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("namespace", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("display_name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("visibility", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("protected", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadef_namespaces")),
        sa.UniqueConstraint("namespace", name=op.f("uq_metadef_namespaces_namespace")),
    )
    op.create_index(
        op.f("ix_metadef_namespaces_created_at"), "metadef_namespaces", ["created_at"], unique=False
    )
    op.create_table(
        "metadef_resource_types",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_metadef_resource_types")),
    )
    op.create_table(
        "network_networks",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("shared", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("external", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("is_default", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("mtu", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("network_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("physical_network", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("segmentation_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("availability_zone_hints", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_networks")),
        sa.UniqueConstraint("number", name=op.f("uq_network_networks_number")),
    )
    op.create_index(
        op.f("ix_network_networks_external"), "network_networks", ["external"], unique=False
    )
    op.create_index(
        op.f("ix_network_networks_project_id"), "network_networks", ["project_id"], unique=False
    )
    op.create_table(
        "network_numbers",
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_network_numbers")),
    )
    op.create_table(
        "network_routers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("enable_snat", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("routes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("availability_zone_hints", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_routers")),
        sa.UniqueConstraint("number", name=op.f("uq_network_routers_number")),
    )
    op.create_index(
        op.f("ix_network_routers_host_id"), "network_routers", ["host_id"], unique=False
    )
    op.create_index(
        op.f("ix_network_routers_project_id"), "network_routers", ["project_id"], unique=False
    )
    op.create_table(
        "network_security_groups",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stateful", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("default_of", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_security_groups")),
        sa.UniqueConstraint("default_of", name=op.f("uq_network_security_groups_default_of")),
    )
    op.create_index(
        op.f("ix_network_security_groups_project_id"),
        "network_security_groups",
        ["project_id"],
        unique=False,
    )
    op.create_table(
        "placement_consumers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_consumers")),
    )
    op.create_index(
        "ix_placement_consumers_project_id_user_id",
        "placement_consumers",
        ["project_id", "user_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "placement_providers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_providers")),
        sa.UniqueConstraint("name", name=op.f("uq_placement_providers_name")),
    )
    op.create_table(
        "placement_resource_classes",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_placement_resource_classes")),
    )
    op.create_table(
        "placement_traits",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_placement_traits")),
    )
    op.create_table(
        "quota_limits",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "service", "resource", name=op.f("pk_quota_limits")),
    )
    op.create_table(
        "quota_usages",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "service", "resource", name=op.f("pk_quota_usages")),
    )
    op.create_table(
        "server_actions",
        sa.Column("request_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("server_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("finished_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("event", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("result", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("message", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("request_id", "server_id", name=op.f("pk_server_actions")),
    )
    op.create_index(
        "ix_server_actions_server_id_started_at",
        "server_actions",
        ["server_id", "started_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "server_groups",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("members", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_groups")),
    )
    op.create_table(
        "servers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hostname", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reservation_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("flavor", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("image", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("launch_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("launched_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("deleted_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_data", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("config_drive", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pinned_zone", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("hints", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("admin_password", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("access_ipv4", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("access_ipv6", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("disk_config", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("locked_by", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("locked_reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("password", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("present", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("power", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reboot_nonce", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reboot_kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_power", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("reboot_done", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("vm_state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_state", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("power_state", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
    )
    op.create_index(
        "ix_servers_deleted_at",
        "servers",
        ["deleted_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_servers_host_id_present",
        "servers",
        ["host_id", "present"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_servers_project_id_created_at",
        "servers",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(op.f("ix_servers_user_id"), "servers", ["user_id"], unique=False)
    op.create_table(
        "volume_types",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("is_public", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("extra_specs", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_types")),
        sa.UniqueConstraint("name", name=op.f("uq_volume_types_name")),
    )
    op.create_table(
        "flavor_access",
        sa.Column("flavor_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["flavor_id"],
            ["flavors.id"],
            name=op.f("fk_flavor_access_flavor_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("flavor_id", "project_id", name=op.f("pk_flavor_access")),
    )
    op.create_table(
        "host_parts",
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("applied", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_parts_host_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "kind", name=op.f("pk_host_parts")),
    )
    op.create_table(
        "identity_assignments",
        sa.Column("actor_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("role_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("target_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("target_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("inherited", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("actor_type", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["identity_roles.id"],
            name=op.f("fk_identity_assignments_role_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "actor_id",
            "role_id",
            "target_type",
            "target_id",
            "inherited",
            name=op.f("pk_identity_assignments"),
        ),
    )
    op.create_index(
        op.f("ix_identity_assignments_role_id"), "identity_assignments", ["role_id"], unique=False
    )
    op.create_index(
        "ix_identity_assignments_target_type_target_id",
        "identity_assignments",
        ["target_type", "target_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_directories",
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("synced_generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("synced_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("notes", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_directories_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("domain_id", name=op.f("pk_identity_directories")),
    )
    op.create_index(
        op.f("ix_identity_directories_due_at"), "identity_directories", ["due_at"], unique=False
    )
    op.create_table(
        "identity_domain_options",
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("section", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("option", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_domain_options_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "domain_id", "section", "option", name=op.f("pk_identity_domain_options")
        ),
    )
    op.create_table(
        "identity_endpoints",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("interface", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["identity_regions.id"],
            name=op.f("fk_identity_endpoints_region_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["identity_services.id"],
            name=op.f("fk_identity_endpoints_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_endpoints")),
    )
    op.create_index(
        op.f("ix_identity_endpoints_service_id"), "identity_endpoints", ["service_id"], unique=False
    )
    op.create_table(
        "identity_groups",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_groups_domain_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_groups")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_groups_domain_id_name")),
    )
    op.create_index(
        "ix_identity_groups_name_id",
        "identity_groups",
        ["name", "id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_implied_roles",
        sa.Column("prior_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("implied_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["implied_id"],
            ["identity_roles.id"],
            name=op.f("fk_identity_implied_roles_implied_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["prior_id"],
            ["identity_roles.id"],
            name=op.f("fk_identity_implied_roles_prior_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prior_id", "implied_id", name=op.f("pk_identity_implied_roles")),
    )
    op.create_table(
        "identity_projects",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("options", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_projects_domain_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_projects_parent_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_projects")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_projects_domain_id_name")),
    )
    op.create_index(
        "ix_identity_projects_name_id",
        "identity_projects",
        ["name", "id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_identity_projects_parent_id"), "identity_projects", ["parent_id"], unique=False
    )
    op.create_table(
        "identity_providers",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("remote_ids", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("authorization_ttl", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_providers_domain_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_providers")),
    )
    op.create_index(
        op.f("ix_identity_providers_domain_id"), "identity_providers", ["domain_id"], unique=False
    )
    op.create_table(
        "identity_registered_limits",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("resource_name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("default_limit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["identity_services.id"],
            name=op.f("fk_identity_registered_limits_service_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_registered_limits")),
    )
    op.create_index(
        "ix_identity_registered_limits_service_id_resource_name",
        "identity_registered_limits",
        ["service_id", "resource_name"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_sensitive_domain_options",
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("section", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("option", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("encrypted", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_sensitive_domain_options_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "domain_id", "section", "option", name=op.f("pk_identity_sensitive_domain_options")
        ),
    )
    op.create_table(
        "identity_users",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("password_set_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("default_project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("options", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revoked_before", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("password_expires_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("password_by_user", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("federated", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("last_active_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("failed_logins", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("failed_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("origin", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_users_domain_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_users")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_users_domain_id_name")),
    )
    op.create_index(
        op.f("ix_identity_users_default_project_id"),
        "identity_users",
        ["default_project_id"],
        unique=False,
    )
    op.create_index(
        "ix_identity_users_name_id",
        "identity_users",
        ["name", "id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "image_locations",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_image_locations_image_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_locations")),
        sa.UniqueConstraint(
            "image_id", "store", "key", name=op.f("uq_image_locations_image_id_store_key")
        ),
    )
    op.create_index(
        op.f("ix_image_locations_image_id"), "image_locations", ["image_id"], unique=False
    )
    op.create_table(
        "image_members",
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_image_members_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "member_id", name=op.f("pk_image_members")),
    )
    op.create_index(
        op.f("ix_image_members_member_id"), "image_members", ["member_id"], unique=False
    )
    op.create_table(
        "metadef_associations",
        sa.Column("namespace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("prefix", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("properties_target", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["metadef_resource_types.name"],
            name=op.f("fk_metadef_associations_name"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespaces.id"],
            name=op.f("fk_metadef_associations_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "name", name=op.f("pk_metadef_associations")),
    )
    op.create_index(
        op.f("ix_metadef_associations_name"), "metadef_associations", ["name"], unique=False
    )
    op.create_table(
        "metadef_objects",
        sa.Column("namespace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("required", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("properties", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespaces.id"],
            name=op.f("fk_metadef_objects_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "name", name=op.f("pk_metadef_objects")),
    )
    op.create_table(
        "metadef_properties",
        sa.Column("namespace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("schema", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespaces.id"],
            name=op.f("fk_metadef_properties_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "name", name=op.f("pk_metadef_properties")),
    )
    op.create_table(
        "metadef_tags",
        sa.Column("namespace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespaces.id"],
            name=op.f("fk_metadef_tags_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "name", name=op.f("pk_metadef_tags")),
    )
    op.create_table(
        "network_floatingips",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("floating_network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("floating_ip_address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("floating_port_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("port_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fixed_ip_address", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("router_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["floating_network_id"],
            ["network_networks.id"],
            name=op.f("fk_network_floatingips_floating_network_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_floatingips")),
        sa.UniqueConstraint(
            "port_id",
            "fixed_ip_address",
            "floating_network_id",
            name=op.f("uq_network_floatingips_port_id_fixed_ip_address_floating_network_id"),
        ),
    )
    op.create_index(
        op.f("ix_network_floatingips_floating_network_id"),
        "network_floatingips",
        ["floating_network_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_network_floatingips_port_id"), "network_floatingips", ["port_id"], unique=False
    )
    op.create_index(
        op.f("ix_network_floatingips_project_id"),
        "network_floatingips",
        ["project_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_network_floatingips_router_id"), "network_floatingips", ["router_id"], unique=False
    )
    op.create_table(
        "network_ports",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("mac_address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("device_owner", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("vnic_type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("allowed_address_pairs", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra_dhcp_opts", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("dns_name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("made_for_server", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["network_networks.id"],
            name=op.f("fk_network_ports_network_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_ports")),
        sa.UniqueConstraint(
            "network_id", "mac_address", name=op.f("uq_network_ports_network_id_mac_address")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_network_ports_number")),
    )
    op.create_index(
        "ix_network_ports_device_id_device_owner",
        "network_ports",
        ["device_id", "device_owner"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(op.f("ix_network_ports_host_id"), "network_ports", ["host_id"], unique=False)
    op.create_index(
        op.f("ix_network_ports_project_id"), "network_ports", ["project_id"], unique=False
    )
    op.create_table(
        "network_security_group_rules",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("security_group_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ethertype", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("protocol", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("port_range_min", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("port_range_max", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("remote_ip_prefix", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("remote_group_id", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["remote_group_id"],
            ["network_security_groups.id"],
            name=op.f("fk_network_security_group_rules_remote_group_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["security_group_id"],
            ["network_security_groups.id"],
            name=op.f("fk_network_security_group_rules_security_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_security_group_rules")),
    )
    op.create_index(
        op.f("ix_network_security_group_rules_project_id"),
        "network_security_group_rules",
        ["project_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_network_security_group_rules_remote_group_id"),
        "network_security_group_rules",
        ["remote_group_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_network_security_group_rules_security_group_id"),
        "network_security_group_rules",
        ["security_group_id"],
        unique=False,
    )
    op.create_table(
        "network_subnets",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ip_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cidr", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("gateway_ip", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("enable_dhcp", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("allocation_pools", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("dns_nameservers", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_routes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ipv6_ra_mode", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("ipv6_address_mode", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("cursor", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["network_networks.id"],
            name=op.f("fk_network_subnets_network_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_subnets")),
    )
    op.create_index(
        op.f("ix_network_subnets_network_id"), "network_subnets", ["network_id"], unique=False
    )
    op.create_index(
        op.f("ix_network_subnets_project_id"), "network_subnets", ["project_id"], unique=False
    )
    op.create_table(
        "placement_allocations",
        sa.Column("consumer_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("provider_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_class", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"],
            ["placement_consumers.id"],
            name=op.f("fk_placement_allocations_consumer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["placement_providers.id"],
            name=op.f("fk_placement_allocations_provider_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "consumer_id", "provider_id", "resource_class", name=op.f("pk_placement_allocations")
        ),
    )
    op.create_index(
        op.f("ix_placement_allocations_provider_id"),
        "placement_allocations",
        ["provider_id"],
        unique=False,
    )
    op.create_table(
        "placement_inventories",
        sa.Column("provider_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("resource_class", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reserved", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("min_unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("max_unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step_size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("allocation_ratio", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("capacity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["placement_providers.id"],
            name=op.f("fk_placement_inventories_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "provider_id", "resource_class", name=op.f("pk_placement_inventories")
        ),
    )
    op.create_table(
        "placement_provider_aggregates",
        sa.Column("provider_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("aggregate_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["placement_providers.id"],
            name=op.f("fk_placement_provider_aggregates_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "provider_id", "aggregate_id", name=op.f("pk_placement_provider_aggregates")
        ),
    )
    op.create_index(
        op.f("ix_placement_provider_aggregates_aggregate_id"),
        "placement_provider_aggregates",
        ["aggregate_id"],
        unique=False,
    )
    op.create_table(
        "placement_provider_traits",
        sa.Column("provider_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("trait", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["placement_providers.id"],
            name=op.f("fk_placement_provider_traits_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider_id", "trait", name=op.f("pk_placement_provider_traits")),
    )
    op.create_index(
        op.f("ix_placement_provider_traits_trait"),
        "placement_provider_traits",
        ["trait"],
        unique=False,
    )
    op.create_table(
        "volume_pools",
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("driver", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("total_gb", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("free_gb", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("allocated_gb", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_volume_pools_host_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_volume_pools")),
    )
    op.create_table(
        "volumes",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("type_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("availability_zone", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("bootable", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("read_only", sa.Boolean(), autoincrement=False, nullable=True),
        sa.Column("multiattach", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("image_metadata", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("image_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("snapshot_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("source_volume_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("source_path", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("source_format", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed_generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed_size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("connection", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("mark", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("declared", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("attachments", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_volumes_host_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["volume_types.id"], name=op.f("fk_volumes_type_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
    )
    op.create_index(op.f("ix_volumes_created_at"), "volumes", ["created_at"], unique=False)
    op.create_index(op.f("ix_volumes_host_id"), "volumes", ["host_id"], unique=False)
    op.create_index(
        "ix_volumes_project_id_created_at",
        "volumes",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_access_rules",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("method", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_access_rules_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_access_rules")),
        sa.UniqueConstraint(
            "user_id",
            "service",
            "method",
            "path",
            name=op.f("uq_identity_access_rules_user_id_service_method_path"),
        ),
    )
    op.create_table(
        "identity_access_tokens",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("consumer_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("encrypted_secret", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("role_ids", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"],
            ["identity_consumers.id"],
            name=op.f("fk_identity_access_tokens_consumer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_access_tokens_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_access_tokens_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_access_tokens")),
    )
    op.create_index(
        op.f("ix_identity_access_tokens_consumer_id"),
        "identity_access_tokens",
        ["consumer_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_access_tokens_project_id"),
        "identity_access_tokens",
        ["project_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_access_tokens_user_id"),
        "identity_access_tokens",
        ["user_id"],
        unique=False,
    )
    op.create_table(
        "identity_application_credentials",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("secret_hash", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("role_ids", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("unrestricted", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("access_rule_ids", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_application_credentials_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_application_credentials_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_application_credentials")),
        sa.UniqueConstraint(
            "user_id", "name", name=op.f("uq_identity_application_credentials_user_id_name")
        ),
    )
    op.create_index(
        op.f("ix_identity_application_credentials_project_id"),
        "identity_application_credentials",
        ["project_id"],
        unique=False,
    )
    op.create_table(
        "identity_credentials",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("type", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("encrypted_blob", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("extra", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_credentials_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_credentials")),
    )
    op.create_index(
        op.f("ix_identity_credentials_project_id"),
        "identity_credentials",
        ["project_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_credentials_type"), "identity_credentials", ["type"], unique=False
    )
    op.create_index(
        op.f("ix_identity_credentials_user_id"), "identity_credentials", ["user_id"], unique=False
    )
    op.create_table(
        "identity_federated_users",
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idp_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("protocol_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("unique_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("display_name", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["idp_id"],
            ["identity_providers.id"],
            name=op.f("fk_identity_federated_users_idp_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_federated_users_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "idp_id", "protocol_id", name=op.f("pk_identity_federated_users")
        ),
        sa.UniqueConstraint(
            "idp_id",
            "protocol_id",
            "unique_id",
            name=op.f("uq_identity_federated_users_idp_id_protocol_id_unique_id"),
        ),
    )
    op.create_index(
        "ix_identity_federated_users_user_id",
        "identity_federated_users",
        ["user_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "identity_federation_protocols",
        sa.Column("idp_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("mapping_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("remote_id_attribute", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["idp_id"],
            ["identity_providers.id"],
            name=op.f("fk_identity_federation_protocols_idp_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("idp_id", "id", name=op.f("pk_identity_federation_protocols")),
    )
    op.create_index(
        op.f("ix_identity_federation_protocols_mapping_id"),
        "identity_federation_protocols",
        ["mapping_id"],
        unique=False,
    )
    op.create_table(
        "identity_limits",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("registered_limit_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("domain_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("resource_limit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["identity_domains.id"],
            name=op.f("fk_identity_limits_domain_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_limits_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["registered_limit_id"],
            ["identity_registered_limits.id"],
            name=op.f("fk_identity_limits_registered_limit_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_limits")),
    )
    op.create_index(
        op.f("ix_identity_limits_domain_id"), "identity_limits", ["domain_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_limits_project_id"), "identity_limits", ["project_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_limits_registered_limit_id"),
        "identity_limits",
        ["registered_limit_id"],
        unique=False,
    )
    op.create_table(
        "identity_memberships",
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idp_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("expires", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["identity_groups.id"],
            name=op.f("fk_identity_memberships_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_memberships_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_identity_memberships")),
    )
    op.create_index(
        op.f("ix_identity_memberships_expires"), "identity_memberships", ["expires"], unique=False
    )
    op.create_index(
        op.f("ix_identity_memberships_group_id"), "identity_memberships", ["group_id"], unique=False
    )
    op.create_table(
        "identity_old_passwords",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("set_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_old_passwords_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_identity_old_passwords")),
    )
    op.create_index(
        op.f("ix_identity_old_passwords_user_id"),
        "identity_old_passwords",
        ["user_id"],
        unique=False,
    )
    op.create_table(
        "identity_policy_associations",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("policy_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("service_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("region_id", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["identity_endpoints.id"],
            name=op.f("fk_identity_policy_associations_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["identity_policies.id"],
            name=op.f("fk_identity_policy_associations_policy_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["identity_regions.id"],
            name=op.f("fk_identity_policy_associations_region_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["identity_services.id"],
            name=op.f("fk_identity_policy_associations_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_policy_associations")),
    )
    op.create_index(
        op.f("ix_identity_policy_associations_endpoint_id"),
        "identity_policy_associations",
        ["endpoint_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_policy_associations_policy_id"),
        "identity_policy_associations",
        ["policy_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_policy_associations_region_id"),
        "identity_policy_associations",
        ["region_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_policy_associations_service_id"),
        "identity_policy_associations",
        ["service_id"],
        unique=False,
    )
    op.create_table(
        "identity_project_endpoint_groups",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["identity_endpoint_groups.id"],
            name=op.f("fk_identity_project_endpoint_groups_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_project_endpoint_groups_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "group_id", name=op.f("pk_identity_project_endpoint_groups")
        ),
    )
    op.create_index(
        op.f("ix_identity_project_endpoint_groups_group_id"),
        "identity_project_endpoint_groups",
        ["group_id"],
        unique=False,
    )
    op.create_table(
        "identity_project_endpoints",
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["identity_endpoints.id"],
            name=op.f("fk_identity_project_endpoints_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_project_endpoints_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "endpoint_id", name=op.f("pk_identity_project_endpoints")
        ),
    )
    op.create_index(
        op.f("ix_identity_project_endpoints_endpoint_id"),
        "identity_project_endpoints",
        ["endpoint_id"],
        unique=False,
    )
    op.create_table(
        "identity_provider_remote_ids",
        sa.Column("remote_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("idp_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["idp_id"],
            ["identity_providers.id"],
            name=op.f("fk_identity_provider_remote_ids_idp_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("remote_id", name=op.f("pk_identity_provider_remote_ids")),
    )
    op.create_index(
        op.f("ix_identity_provider_remote_ids_idp_id"),
        "identity_provider_remote_ids",
        ["idp_id"],
        unique=False,
    )
    op.create_table(
        "identity_request_tokens",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("consumer_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("encrypted_secret", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("verifier", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("role_ids", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"],
            ["identity_consumers.id"],
            name=op.f("fk_identity_request_tokens_consumer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_request_tokens_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_request_tokens_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_request_tokens")),
    )
    op.create_index(
        op.f("ix_identity_request_tokens_consumer_id"),
        "identity_request_tokens",
        ["consumer_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_request_tokens_expires_at"),
        "identity_request_tokens",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_request_tokens_project_id"),
        "identity_request_tokens",
        ["project_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_request_tokens_user_id"),
        "identity_request_tokens",
        ["user_id"],
        unique=False,
    )
    op.create_table(
        "identity_trusts",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("trustor_user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("trustee_user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("impersonation", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("role_ids", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("remaining_uses", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("redelegated_trust_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("redelegation_count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["identity_projects.id"],
            name=op.f("fk_identity_trusts_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["redelegated_trust_id"],
            ["identity_trusts.id"],
            name=op.f("fk_identity_trusts_redelegated_trust_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trustee_user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_trusts_trustee_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trustor_user_id"],
            ["identity_users.id"],
            name=op.f("fk_identity_trusts_trustor_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_trusts")),
    )
    op.create_index(
        op.f("ix_identity_trusts_project_id"), "identity_trusts", ["project_id"], unique=False
    )
    op.create_index(
        op.f("ix_identity_trusts_redelegated_trust_id"),
        "identity_trusts",
        ["redelegated_trust_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_trusts_trustee_user_id"),
        "identity_trusts",
        ["trustee_user_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_trusts_trustor_user_id"),
        "identity_trusts",
        ["trustor_user_id"],
        unique=False,
    )
    op.create_table(
        "network_allocations",
        sa.Column("network_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ip_address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("subnet_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("port_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["port_id"],
            ["network_ports.id"],
            name=op.f("fk_network_allocations_port_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subnet_id"],
            ["network_subnets.id"],
            name=op.f("fk_network_allocations_subnet_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("network_id", "ip_address", name=op.f("pk_network_allocations")),
    )
    op.create_index(
        op.f("ix_network_allocations_port_id"), "network_allocations", ["port_id"], unique=False
    )
    op.create_index(
        "ix_network_allocations_subnet_id_place",
        "network_allocations",
        ["subnet_id", "place"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_table(
        "network_port_groups",
        sa.Column("port_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["network_security_groups.id"],
            name=op.f("fk_network_port_groups_group_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["port_id"],
            ["network_ports.id"],
            name=op.f("fk_network_port_groups_port_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("port_id", "group_id", name=op.f("pk_network_port_groups")),
    )
    op.create_index(
        op.f("ix_network_port_groups_group_id"), "network_port_groups", ["group_id"], unique=False
    )
    op.create_table(
        "volume_attachments",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("server_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("device", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("by_compute", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("delete_on_termination", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("boot_index", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("tag", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("connector", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attached_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["volume_id"],
            ["volumes.id"],
            name=op.f("fk_volume_attachments_volume_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_attachments")),
    )
    op.create_index(
        op.f("ix_volume_attachments_project_id"), "volume_attachments", ["project_id"], unique=False
    )
    op.create_index(
        op.f("ix_volume_attachments_server_id"), "volume_attachments", ["server_id"], unique=False
    )
    op.create_index(
        op.f("ix_volume_attachments_volume_id"), "volume_attachments", ["volume_id"], unique=False
    )
    op.create_table(
        "volume_snapshots",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("description", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("metadata", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("host_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observed_size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("declared", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_at", sa.Text(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_volume_snapshots_host_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["volume_id"],
            ["volumes.id"],
            name=op.f("fk_volume_snapshots_volume_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_snapshots")),
    )
    op.create_index(
        op.f("ix_volume_snapshots_created_at"), "volume_snapshots", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_volume_snapshots_host_id"), "volume_snapshots", ["host_id"], unique=False
    )
    op.create_index(
        "ix_volume_snapshots_project_id_created_at",
        "volume_snapshots",
        ["project_id", "created_at"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        op.f("ix_volume_snapshots_volume_id"), "volume_snapshots", ["volume_id"], unique=False
    )
