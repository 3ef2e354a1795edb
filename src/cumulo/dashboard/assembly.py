"""What the dashboard is to the cloud."""

from cumulo.core.assembly import Assembly, Frame, Service
from cumulo.dashboard.api.face import dashboard_faces
from cumulo.dashboard.api.pages import Pages
from cumulo.dashboard.reconcile import EndedSessions
from cumulo.dashboard.service.sessions import Sessions
from cumulo.dashboard.settings import DashboardSettings
from cumulo.identity.interface import Identity


def build(frame: Frame) -> Service:
    own = frame.settings.of(DashboardSettings)
    sessions = Sessions(frame.get(Identity), own.idle_minutes, own.longest_hours)
    panels = [panel for each in frame.assemblies for panel in each.panels]
    pages = Pages(frame.database, frame.caller, sessions, panels, frame.settings.region)
    return Service(
        sessions,
        faces=dashboard_faces(pages, frame.feed),
        reconcilers=[EndedSessions(frame.database, sessions)],
        counts={"browser sessions": sessions.count},
    )


ASSEMBLY = Assembly("dashboard", build)
