"""For whom a request is made: a project, or an administrator who looks over all of them."""

from dataclasses import dataclass

from cumulo.core.auth.principal import Principal


@dataclass(frozen=True, slots=True)
class Scope:
    """`principal` None: the cloud itself. `project_id`: the token's own, or the one that an
    administrator acts for (`X-Auth-Sudo-Project-ID`); None: the token has none. `all_projects`:
    whatever belongs to anybody is seen (`X-Auth-All-Projects`). `edit_managed`: what the service
    made itself may be changed (`X-Designate-Edit-Managed-Records`). `low_ttl`: also below the
    least one; `blacklisted`: also names that are on a blacklist."""

    principal: Principal | None
    project_id: str | None
    all_projects: bool = False
    edit_managed: bool = False
    low_ttl: bool = False
    blacklisted: bool = False
    request_id: str | None = None

    def sees(self, project_id: str) -> bool:
        return self.all_projects or project_id == self.project_id
