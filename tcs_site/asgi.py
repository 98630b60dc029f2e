"""The web process: HTTP, the socket, and the threads beside the requests."""

import gc
import os
import sys
from collections.abc import Callable

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# One thread per query: searches at the same time do not slow each other. Read when faiss and torch are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tcs_site.settings")
gc.disable()  # until all is imported, which stays: to look for cycles in it takes a fifth of a start
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    sys.exit(f"TCS cannot start: {error}")

# Models can be imported only once Django is set up.
from indexing.console.live_page.consumers import websocket_urlpatterns  # noqa: E402
from indexing.errors import WrongDatabase  # noqa: E402
from indexing.ops import web_process  # noqa: E402
from tcs_site.http_server import factory  # noqa: E402
from tcs_site.http_server.handler import UploadHandler  # noqa: E402
from tcs_site.origins import same_origin_only  # noqa: E402
from tcs_site.postgresql import pooling  # noqa: E402
from tcs_site.proxying import behind_proxy  # noqa: E402
from tcs_site.sqlite.base import keep_connections  # noqa: E402
from tcs_site.web_processes import supervised  # noqa: E402

pooling.begin(settings.TCS_DATABASE_POOL)  # before anything asks the database
keep_connections()
application = ProtocolTypeRouter(
    {
        "http": UploadHandler(),
        "websocket": same_origin_only(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
if settings.TRUSTED_ORIGINS:
    application = behind_proxy(application)


def once_listening(start: Callable[[], None]) -> None:
    """Call `start` when the server has opened its socket: importing torch would delay that by seconds.

    Daphne starts its reactor after that. Under other servers `start` is called at once.
    """
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None:
        start()
    else:
        reactor.callWhenRunning(start)


try:
    web_process.require_data_folder()
except WrongDatabase as error:
    sys.exit(f"TCS cannot start: {error}")

# Imported objects stay for good. Searching them for garbage would delay all searches by 80 ms each time.
gc.freeze()
gc.enable()
factory.install()
once_listening(web_process.start)
once_listening(lambda: supervised.begin(web_process.is_ready))
