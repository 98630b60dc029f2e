"""Which account a person of the provider has, and what they may do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.invitations import ROLE
from accounts.models import Identity

logger = logging.getLogger(__name__)
Claims = Mapping[str, Any]
LONGEST = 150
"""characters of a username and of names"""


class SignInRefused(Exception):
    """Somebody is known to the provider, but does not get in here; the sentence is for them."""


def person_of(claims: Claims, issuer: str) -> User:
    """The account of the person of these claims, made if it is new, with the groups that the provider says.

    They are known by issuer and subject; an e-mail address, which can change hands, counts only the first time.
    Raises SignInRefused.
    """
    email = _verified_email(claims)
    granted = _granted(claims)
    identity = Identity.objects.select_related("user").filter(issuer=issuer, subject=claims["sub"]).first()
    if identity is None and granted:
        identity = _first_time(claims, issuer, email)
    if identity is not None:
        if not identity.user.is_active:
            raise SignInRefused(_("Your account is deactivated. Ask an administrator."))
        _apply(identity, claims, email, granted)
    if identity is None or not granted:
        raise SignInRefused(_("None of your groups may use TCS. Ask an administrator."))
    return identity.user


def _verified_email(claims: Claims) -> str:
    email = str(claims.get("email") or "").strip().lower()
    if not email or claims.get("email_verified") not in (True, "true"):
        raise SignInRefused(_("Your e-mail address is not verified. Verify it where you sign in, then try again."))
    if len(email) > LONGEST:
        raise SignInRefused(_("Your e-mail address is too long for an account. Ask an administrator."))
    return email


def _granted(claims: Claims) -> set[str]:
    """The names of the groups of TCS that somebody gets; without a mapping everybody may search."""
    mapping: dict[str, str] = settings.TCS_OIDC_GROUPS
    if not mapping:
        return {ROLE}
    said = claims.get(settings.TCS_OIDC_GROUPS_CLAIM) or []
    names = {said} if isinstance(said, str) else {str(each) for each in said}
    return {group for name, group in mapping.items() if name in names}


@transaction.atomic
def _first_time(claims: Claims, issuer: str, email: str) -> Identity:
    """Connect the account with this address, or a new one. Raises SignInRefused."""
    found = list(User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email))[:2])
    if len(found) > 1:
        raise SignInRefused(_("Several accounts have your e-mail address. Ask an administrator to keep only one."))
    user = found[0] if found else _new(email)
    is_staff = user.is_staff or user.is_superuser
    if is_staff and not settings.TCS_OIDC_LINK_STAFF:
        raise SignInRefused(_("A staff account has your e-mail address. Sign in with its password."))
    if Identity.objects.filter(issuer=issuer, user=user).exists():
        raise SignInRefused(_("Your e-mail address belongs to somebody else’s account. Ask an administrator."))
    return Identity.objects.create(issuer=issuer, subject=claims["sub"], user=user)


def _new(email: str) -> User:
    return User.objects.create_user(email, email)  # without a password that works


@transaction.atomic
def _apply(identity: Identity, claims: Claims, email: str, granted: set[str]) -> None:
    """Give and take the groups that the provider decides about, and with them being staff; other groups stay."""
    user = identity.user
    managed = set(settings.TCS_OIDC_GROUPS.values()) or {ROLE}
    user.groups.remove(*Group.objects.filter(name__in=managed - granted))
    groups = list(Group.objects.filter(name__in=granted))
    user.groups.add(*groups)
    if missing := granted - {group.name for group in groups}:
        logger.warning("TCS_OIDC_GROUPS names groups that do not exist: %s", ", ".join(sorted(missing)))
    for_staff = bool(granted - {ROLE})
    if for_staff and not user.is_staff:
        user.is_staff = identity.made_staff = True
    elif not for_staff and identity.made_staff:
        user.is_staff = identity.made_staff = False
    user.email = email
    user.first_name = str(claims.get("given_name") or user.first_name)[:LONGEST]
    user.last_name = str(claims.get("family_name") or user.last_name)[:LONGEST]
    user.save(update_fields=["is_staff", "email", "first_name", "last_name"])
    identity.save(update_fields=["made_staff"])
