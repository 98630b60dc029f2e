"""The JSON API: what the pages do, for programs that sign in with a token or a session."""

from django.utils.translation import gettext_lazy as _

from indexing.api import (
    attachments,
    directory,
    errors,
    experts,
    map,
    people,
    runs,
    search,
    search_tests,
    tokens,
    use,
    versions,
)
from indexing.api.auth import staff
from indexing.api.docs import DocsPage
from indexing.api.openapi import DocumentedAPI

api = DocumentedAPI(
    title="TCS",
    version="1",
    description=str(
        _(
            "Search for experts, rebuild the index and follow its runs.\n\n"
            "Create a token on this page or get one from `POST /api/admin/auth`, and send it as "
            "`Authorization: Bearer ...`. Or use the session of a signed-in member of staff; requests that change "
            "something then need the `X-CSRFToken` header. Every GET answers HEAD too. Every error is JSON with a "
            "sentence in `detail`; a 422 also lists the invalid fields in `fields`. Times are Unix seconds."
        )
    ),
    urls_namespace="api",
    auth=staff(),
    docs=DocsPage(),
    openapi_extra={"info": {"license": {"name": "MIT"}}},
)
api.add_router("/admin", tokens.router)
api.add_router("/admin", runs.router)
api.add_router("/admin", versions.router)
api.add_router("/admin", search_tests.router)
api.add_router("/admin", use.router)
api.add_router("/admin", map.router)
api.add_router("/directory", directory.router)
api.add_router("/directory", attachments.router)  # before the experts, whose usernames may have slashes
api.add_router("/directory", experts.router)
api.add_router("", search.router)
api.add_router("", people.router)
errors.handle(api)

__all__ = ["api"]
