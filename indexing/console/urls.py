from django.urls import path

from indexing.console.drift import plan_views
from indexing.console.drift import views as drift_views
from indexing.console.lab import search_test_views, synonym_views, tag_preview_views
from indexing.console.lab import views as lab_views
from indexing.console.map import data_views, selection_views
from indexing.console.map import views as map_views
from indexing.console.runs import chart_views, views
from indexing.console.search import export_views, log_views
from indexing.console.versions import compare_views, undo_views
from indexing.console.versions import views as version_views
from indexing.models import RebuildRun

app_name = "index"
urlpatterns = [
    path("", views.index_page, name="page"),
    path("rebuild/", views.start_run, {"kind": RebuildRun.Kind.FULL}, name="rebuild"),
    path("retag/", views.start_run, {"kind": RebuildRun.Kind.TAGS}, name="retag"),
    path("cancel/", views.cancel_run, name="cancel"),
    path("tags/preview/", tag_preview_views.tag_preview_page, name="tag-preview"),
    path("runs/<int:run_id>/", views.run_page, name="run"),
    path("runs/<int:run_id>/log.txt", views.log_text, name="log"),
    path("versions/", version_views.versions_page, name="versions"),
    path("versions/<int:version_number>/", version_views.version_page, name="version"),
    path("versions/publish/", version_views.publish_version, name="publish"),
    path("versions/discard/", version_views.discard_version, name="discard"),
    path("versions/rollback/", version_views.roll_back, name="rollback"),
    path("versions/compare/", compare_views.compare_versions, name="compare"),
    path("versions/pin/", version_views.pin_version, name="pin"),
    path("versions/unpin/", version_views.unpin_version, name="unpin"),
    path("versions/undo/", undo_views.undo, name="undo"),
    path("release/", version_views.resume_schedule, name="release"),
    path("plan/", plan_views.plan, name="plan"),
    path("charts/", chart_views.charts_page, name="charts"),
    path("drift/", drift_views.drift_page, name="drift"),
    path("lab/", lab_views.lab_page, name="lab"),
    path("lab/save/", search_test_views.save_query, name="save-query"),
    path("lab/synonyms/", synonym_views.try_synonyms, name="try-synonyms"),
    path("lab/saved-queries/", search_test_views.old_address, name="saved-queries"),
    path("map/areas/", data_views.map_areas, name="map-areas"),
    path("map/query/", data_views.map_query, name="map-query"),
    path("map/gaps/", data_views.map_gaps, name="map-gaps"),
    path("map/moves/", data_views.map_moves, name="map-moves"),
    path("map/", map_views.map_page, name="map"),
    path("map/points/", map_views.map_points, name="map-points"),
    path("map/colours/", map_views.map_colours, name="map-colours"),
    path("map/people/", map_views.map_people, name="map-people"),
    path("map/selection/", selection_views.selection, name="map-selection"),
    path("map/tag/", selection_views.tag_people, name="map-tag"),
    path("search-tests/", search_test_views.search_tests, name="search-tests"),
    path("searches/queries.csv", export_views.export_queries, name="export-queries"),
    path("searches/experts.csv", export_views.export_experts, name="export-experts"),
    path("searches/", log_views.searches_page, name="searches"),
]
