from django.contrib import admin
from django.urls import include, path

from indexing.api import api
from indexing.console.search.views import search_page
from indexing.ops import health

handler500 = "tcs_site.error_pages.internal_error"

urlpatterns = [
    path("", search_page, name="search"),
    path("admin/index/", include("indexing.console.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics_page, name="metrics"),
    path("readyz", health.readyz, name="readyz"),
]
