from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from indexing.api import api
from indexing.console.attachments import views as attachment_views
from indexing.console.browse.jump_views import jump_page
from indexing.console.browse.views import browse_page
from indexing.console.profiles import tag_views
from indexing.console.profiles import views as profile_views
from indexing.console.search import use_views
from indexing.console.search.similar_views import similar_page
from indexing.console.search.views import search_page
from indexing.console.search.where_views import people_options, where_page
from indexing.console.shortlists import change_views
from indexing.console.shortlists import views as shortlist_views
from indexing.ops import health

handler500 = "tcs_site.error_pages.internal_error"

SEARCH_TESTS_BEFORE = r"^admin/indexing/savedquery/(?P<rest>.*)$"
"""What search tests were called once: bookmarks of their pages go on working."""

urlpatterns = [
    path("", search_page, name="search"),
    path("accounts/", include("accounts.urls")),
    path("admin/index/", include("indexing.console.urls")),
    re_path(SEARCH_TESTS_BEFORE, RedirectView.as_view(url="/admin/indexing/searchtest/%(rest)s", query_string=True)),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("experts/", browse_page, name="browse"),
    path("experts/<int:expert_id>/photo/<str:name>/", attachment_views.photo, name="expert-photo"),
    path("experts/<int:expert_id>/documents/<int:document_id>/", attachment_views.document, name="expert-document"),
    path("experts/<int:expert_id>/contact/", use_views.show_contact, name="show-contact"),
    path("experts/<int:expert_id>/tags/reject/", tag_views.reject_tag, name="reject-tag"),
    path("experts/<int:expert_id>/tags/restore/", tag_views.restore_tag, name="restore-tag"),
    path("experts/id/<int:expert_id>/", profile_views.profile_by_id, name="profile-by-id"),
    path("experts/<str:username>/", profile_views.profile_page, name="profile"),
    path("healthz", health.healthz, name="healthz"),
    path("jump/", jump_page, name="jump"),
    path("metrics", health.metrics_page, name="metrics"),
    path("not-a-match/", use_views.not_a_match, name="not-a-match"),
    path("readyz", health.readyz, name="readyz"),
    path("where/", where_page, name="where"),
    path("where/people/", people_options, name="where-people"),
    path("shared/<str:token>/", shortlist_views.shared_page, name="shared-shortlist"),
    path("shortlists/", shortlist_views.shortlists_page, name="shortlists"),
    path("shortlists/star/", change_views.star, name="star"),
    path("shortlists/<int:shortlist_id>/", shortlist_views.shortlist_page, name="shortlist"),
    path("shortlists/<int:shortlist_id>/change/", change_views.change, name="change-shortlist"),
    path("shortlists/<int:shortlist_id>/compare/", shortlist_views.compare_page, name="compare-shortlist"),
    path("shortlists/<int:shortlist_id>/delete/", shortlist_views.delete_page, name="delete-shortlist"),
    path("shortlists/<int:shortlist_id>/export.xlsx", shortlist_views.sheet, name="shortlist-sheet"),
    path("similar/<int:expert_id>/", similar_page, name="similar"),
]
