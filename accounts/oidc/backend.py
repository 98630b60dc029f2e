"""Signs in people with an account at the provider."""

from __future__ import annotations

import logging
import time
from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils.translation import gettext as _
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.oidc import provider
from accounts.oidc.people import SignInRefused, person_of
from accounts.oidc.provider import ProviderUnavailable


class OidcRequest(HttpRequest):
    """The request with which somebody comes back from the provider."""

    signs_in_elsewhere: bool
    oidc_refusal: str


logger = logging.getLogger(__name__)


class OidcBackend(OIDCAuthenticationBackend):
    """Checks what the library leaves open: issuer, audience and end of a token, and that both answers agree.

    Source: OpenID Connect Core 1.0, 3.1.3.7 (ID Token Validation) and 5.3.2 (Successful UserInfo Response).
    """

    get_settings = staticmethod(provider.setting)

    def __init__(self) -> None:
        """Asks the provider nothing: Django makes one for every check of a permission."""
        self.UserModel = get_user_model()

    def authenticate(self, request: OidcRequest | None, **credentials: Any) -> User | None:
        """The user; None where it is not for this backend, or refused: `request.oidc_refusal` then says why."""
        if request is None or not getattr(request, "signs_in_elsewhere", False):
            return None
        try:
            super().__init__()
            user: User | None = super().authenticate(request, **credentials)
            return user
        except SignInRefused as refused:
            request.oidc_refusal = str(refused)
        except (
            ProviderUnavailable,
            SuspiciousOperation,
            requests.RequestException,
            jwt.PyJWTError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            logger.warning("A sign-in by OpenID Connect failed (%s: %s).", type(error).__name__, error)
            request.oidc_refusal = _("Signing in failed. Try again; if it keeps failing, ask an administrator.")
        return None

    def retrieve_matching_jwk(self, token: str) -> jwt.PyJWK:
        """The key that signed a token. One without a key id is of the only key: the library wants an id always.

        Raises ValueError without such a key, RequestException.
        """
        answer = requests.get(self.OIDC_OP_JWKS_ENDPOINT, timeout=provider.SECONDS)
        answer.raise_for_status()
        header = jwt.get_unverified_header(token)
        keys = [key for key in answer.json()["keys"] if key.get("alg", header["alg"]) == header["alg"]]
        if "kid" in header:
            keys = [key for key in keys if key.get("kid") == header["kid"]]
        if len(keys) != 1:
            raise ValueError(f"{len(keys)} keys of the provider fit the token")
        return jwt.PyJWK(keys[0], algorithm=header["alg"])

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """The account of the person. Raises SignInRefused, ValueError."""
        issuer = provider.metadata()["issuer"]
        _check(payload, issuer)
        about = self.get_userinfo(access_token, id_token, payload)
        if about.get("sub") != payload["sub"]:
            raise ValueError("the answers of the provider are about different people")
        return person_of(payload | about, issuer)

    def get_user(self, user_id: int) -> User | None:
        """As Django's own backend, which knows no deactivated users."""
        user: User | None = ModelBackend.get_user(self, user_id)
        return user


def _check(token: dict[str, Any], issuer: str) -> None:
    """Raises ValueError or KeyError for a token that is not from this provider, for TCS, valid, and of somebody."""
    client = settings.TCS_OIDC_CLIENT_ID
    audience = [token["aud"]] if isinstance(token["aud"], str) else list(token["aud"])
    if token["iss"] != issuer:
        raise ValueError(f"the token is from {token['iss']!r}")
    if client not in audience or token.get("azp", client) != client:
        raise ValueError("the token is for another application")
    if float(token["exp"]) < time.time():
        raise ValueError("the token has expired")
    if not token["sub"] or not isinstance(token["sub"], str):
        raise ValueError("the token names nobody")
