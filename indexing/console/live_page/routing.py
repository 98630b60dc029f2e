from django.urls import path

from indexing.console.live_page.consumers import IndexConsumer

websocket_urlpatterns = [path("ws/index/", IndexConsumer.as_asgi(), name="index-socket")]
