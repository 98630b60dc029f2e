"""The OpenAPI document, for programs and for the page /api/docs."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema


class DocumentedAPI(NinjaAPI):
    """An API that caches its OpenAPI document: generating it takes 50 ms, and anybody may request it.

    Only the last document is cached, since a request's headers can name another path prefix each time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._last: tuple[str, OpenAPISchema] | None = None

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        last = self._last
        if last is None or last[0] != prefix:
            document = super().get_openapi_schema(path_prefix=prefix)
            for operations in document["paths"].values():
                operations.pop("head", None)  # every GET answers HEAD too
            last = self._last = prefix, document
        return last[1]
