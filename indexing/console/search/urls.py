from django.urls import path

from indexing.console.search import views

urlpatterns = [path("", views.search_page, name="search")]
