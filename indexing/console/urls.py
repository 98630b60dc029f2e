from django.urls import path

from indexing.console import views
from indexing.models import RebuildRun

app_name = "index"
urlpatterns = [
    path("", views.index_page, name="page"),
    path("rebuild/", views.start_run, {"kind": RebuildRun.Kind.FULL}, name="rebuild"),
    path("retag/", views.start_run, {"kind": RebuildRun.Kind.TAGS}, name="retag"),
    path("cancel/", views.cancel_run, name="cancel"),
    path("runs/<int:run_id>/", views.run_page, name="run"),
    path("runs/<int:run_id>/log.txt", views.log_text, name="log"),
]
