"""Routers whose GET endpoints answer HEAD too, and whose endpoints refuse parameters that they do not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import ninja
from django.http import HttpRequest
from ninja.operation import Operation
from ninja.params.models import QueryModel
from pydantic import ValidationError
from pydantic_core import InitErrorDetails


class StrictRouter(ninja.Router):
    """ninja ignores a parameter that an endpoint does not have, so a misspelt filter would filter nothing."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        super().add_api_operation(path, [*methods, "HEAD"] if "GET" in methods else methods, view_func, **options)
        operation: Operation = view_func._ninja_operation  # type: ignore[attr-defined]  # set by ninja
        operation.models.append(_only(_query_parameters(operation)))


class KnownParameters(QueryModel):
    """Takes no parameter itself, and raises ValidationError for each that is not in `known`.

    It is one more of the models that ninja checks a request against, after the permission: so its errors come
    together with those of the parameters that the endpoint has.
    """

    __ninja_flatten_map__: ClassVar[dict[str, Any]] = {}
    __ninja_flatten_map_reverse__: ClassVar[dict[str, Any]] = {}
    known: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def resolve(cls, request: HttpRequest, api: ninja.NinjaAPI, path_params: dict[str, Any]) -> KnownParameters:
        """An empty model. Raises ValidationError."""
        unknown = [name for name in request.GET if name not in cls.known]
        if unknown:
            details = [InitErrorDetails(type="extra_forbidden", loc=(name,), input=None) for name in unknown]
            raise ValidationError.from_exception_data(cls.__name__, details)
        return cls()


def _query_parameters(operation: Operation) -> Iterable[str]:
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            yield from model.__ninja_flatten_map__


def _only(names: Iterable[str]) -> type[KnownParameters]:
    its_own = {"known": frozenset(names), "__ninja_param_source__": "query", "__module__": __name__}
    return type("OnlyKnownParameters", (KnownParameters,), its_own)
