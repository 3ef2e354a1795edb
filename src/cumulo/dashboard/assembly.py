"""What the dashboard is to the cloud."""

from cumulo.core.assembly import Assembly, Frame, Service
from cumulo.dashboard.api.desk import Desk
from cumulo.dashboard.api.face import dashboard_faces
from cumulo.dashboard.reconcile import EndedSessions
from cumulo.dashboard.service.look import Look
from cumulo.dashboard.service.sessions import Sessions
from cumulo.dashboard.settings import DashboardSettings
from cumulo.identity.interface import FirstUsers, Identity


def build(frame: Frame) -> Service:
    own = frame.settings.of(DashboardSettings)
    sessions = Sessions(frame.get(Identity), own.idle_minutes, own.longest_hours)
    desk = Desk(
        frame.database,
        frame.caller,
        sessions,
        [each.name for each in frame.assemblies],
        Look(own.name, own.theme, own.titles, own.without, own.sign_on),
        frame.settings.region,
        frame.settings.base_url,
    )
    return Service(
        sessions,
        faces=dashboard_faces(desk, frame.get(FirstUsers).operator, frame.feed),
        reconcilers=[EndedSessions(frame.database, sessions)],
        counts={"browser sessions": sessions.count},
    )


ASSEMBLY = Assembly("dashboard", build)
