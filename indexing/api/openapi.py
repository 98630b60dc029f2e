"""The API's description of itself, for programs and for the page that shows it."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema


class DocumentedAPI(NinjaAPI):
    """Put together once for the place that the API is served at: it takes 50 ms, and anybody may ask for it.

    Only the last one is kept: a header of the request can name another place each time.
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
            last = self._last = prefix, super().get_openapi_schema(path_prefix=prefix)
        return last[1]
