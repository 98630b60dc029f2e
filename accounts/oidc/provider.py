"""What the provider says of itself (OpenID Connect Discovery 1.0), as settings of mozilla-django-oidc."""

from __future__ import annotations

import logging
from typing import Any

import requests
from django.conf import settings
from django.core.cache import cache
from mozilla_django_oidc.utils import import_from_settings

logger = logging.getLogger(__name__)
WELL_KNOWN = "/.well-known/openid-configuration"
SECONDS = 10
"""to wait for an answer of the provider"""
KEPT_SECONDS = 3600
ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}


class ProviderUnavailable(Exception):
    """The provider did not answer, or not with what a provider says."""


def metadata() -> dict[str, Any]:
    """The provider's own description, at most an hour old. Raises ProviderUnavailable."""
    issuer = settings.TCS_OIDC_ISSUER
    key = f"oidc:{issuer}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None:
        try:
            answer = requests.get(issuer.rstrip("/") + WELL_KNOWN, timeout=SECONDS)
            answer.raise_for_status()
            found = dict(answer.json())
        except (requests.RequestException, ValueError, TypeError) as error:
            raise ProviderUnavailable(str(error)) from error
        if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise ProviderUnavailable(f"the provider calls itself {found.get('issuer')!r}, not {issuer!r}")
        if missing := [name for name in ENDPOINTS.values() if name not in found]:
            raise ProviderUnavailable(f"the provider names no {', '.join(missing)}")
        cache.set(key, found, KEPT_SECONDS)
    return found


def setting(name: str, *default: Any) -> Any:
    """A setting of mozilla-django-oidc. Raises ProviderUnavailable where it depends on the provider."""
    if name in ENDPOINTS:
        return metadata()[ENDPOINTS[name]]
    if name == "OIDC_RP_SIGN_ALGO":
        return _algorithm(metadata().get("id_token_signing_alg_values_supported") or ["RS256"])
    if name == "OIDC_TOKEN_USE_BASIC_AUTH":  # the default of the specification where nothing is said
        return "client_secret_post" not in metadata().get("token_endpoint_auth_methods_supported", [])
    fixed = _fixed()
    return fixed[name] if name in fixed else import_from_settings(name, *default)


def _fixed() -> dict[str, Any]:
    return {
        "OIDC_RP_CLIENT_ID": settings.TCS_OIDC_CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": settings.TCS_OIDC_CLIENT_SECRET,
        "OIDC_RP_SCOPES": settings.TCS_OIDC_SCOPES,
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": SECONDS,
        "OIDC_AUTHENTICATION_CALLBACK_URL": "accounts:oidc-return",
    }


def _algorithm(supported: list[str]) -> str:
    """RS256 if it can be had, otherwise another one with a key pair. Raises ProviderUnavailable."""
    pairs = sorted(each for each in supported if each.startswith(("RS", "ES")))
    if not pairs:
        raise ProviderUnavailable(f"tokens are signed with {', '.join(supported)} only")
    return "RS256" if "RS256" in pairs else pairs[0]
