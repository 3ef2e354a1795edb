"""Policy: the rule names of Gnocchi, Aodh and CloudKitty, with today's defaults."""

ADMIN = "role:admin"
ANYBODY = ""
OWNER = "role:admin or project_id:%(project_id)s"
CREATOR = "role:admin or (role:member and project_id:%(created_by_project_id)s)"
"""What hosts tell of guests is made by the cloud: a project reads it, and changes nothing of it."""
READER = "role:admin or (role:reader and project_id:%(project_id)s)"
MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"

METRIC_RULES = {
    "admin": ADMIN,
    "get status": ADMIN,
    "get archive policy": ANYBODY,
    "list archive policy": ANYBODY,
    "create archive policy": ADMIN,
    "update archive policy": ADMIN,
    "delete archive policy": ADMIN,
    "create archive policy rule": ADMIN,
    "get archive policy rule": ANYBODY,
    "list archive policy rule": ANYBODY,
    "update archive policy rule": ADMIN,
    "delete archive policy rule": ADMIN,
    "list resource type": ANYBODY,
    "get resource type": ANYBODY,
    "create resource type": ADMIN,
    "update resource type": ADMIN,
    "delete resource type": ADMIN,
    "create resource": ANYBODY,
    "get resource": READER,
    "update resource": CREATOR,
    "delete resource": CREATOR,
    "delete resources": ANYBODY,
    "list resource": ANYBODY,
    "search resource": ANYBODY,
    "create metric": ANYBODY,
    "get metric": READER,
    "delete metric": CREATOR,
    "list metric": ANYBODY,
    "get measures": READER,
    "search metric": READER,
    "post measures": CREATOR,
}
ALARM_RULES = {
    "admin": ADMIN,
    "telemetry:get_alarm": READER,
    "telemetry:get_alarms": READER,
    "telemetry:get_alarms:all_projects": ADMIN,
    "telemetry:create_alarm": MEMBER,
    "telemetry:change_alarm": MEMBER,
    "telemetry:delete_alarm": MEMBER,
    "telemetry:get_alarm_state": READER,
    "telemetry:change_alarm_state": MEMBER,
    "telemetry:alarm_history": READER,
    "telemetry:query_alarm": READER,
    "telemetry:query_alarm_history": READER,
    "telemetry:update_quotas": ADMIN,
    "telemetry:delete_quotas": ADMIN,
}
RATING_RULES = {
    "admin": ADMIN,
    "report:get_total": OWNER,
    "report:get_summary": OWNER,
    "report:list_tenants": ADMIN,
    "storage:list_data_frames": OWNER,
    "dataframes:get": OWNER,
    "scope:get_state": ADMIN,
    "info:list_services_info": ANYBODY,
    "rating:list_modules": ADMIN,
    "rating:get_module": ADMIN,
    "rating:update_module": ADMIN,
    "rating:module_config": ADMIN,
    "rating:quote": ANYBODY,
    "summary:get_summary": OWNER,
    "info:get_config": ANYBODY,
    "usage:get": OWNER,
}
