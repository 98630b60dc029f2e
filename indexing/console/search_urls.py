from django.urls import path

from indexing.console import search_views

urlpatterns = [path("", search_views.search_page, name="search")]
