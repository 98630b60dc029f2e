"""Which permissions somebody has, with one statement a request."""

from __future__ import annotations

from typing import NoReturn

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest

KEPT = "_own_and_of_groups"
OWN_AND_OF_GROUPS = """
    SELECT kind.app_label, permission.codename
    FROM auth_permission permission JOIN django_content_type kind ON kind.id = permission.content_type_id
    WHERE permission.id IN (SELECT permission_id FROM auth_user_user_permissions WHERE user_id = %s)
    OR permission.id IN (
        SELECT of_group.permission_id
        FROM auth_group_permissions of_group JOIN auth_user_groups member ON member.group_id = of_group.group_id
        WHERE member.user_id = %s
    )
"""


class PermissionBackend:
    """Decides alone what an ordinary user may do, so that the other backends are not asked; it signs nobody in.

    Django's own asks the database twice, and every page that shows somebody's rights does. Making its two statements
    takes longer than running them, and as long as reading the cards of a page.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: object) -> None:
        """Nobody: the other backends do that."""

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        """Whether the user has the permission, for all objects alike. Raises PermissionDenied if not: that ends the
        search for somebody who grants it."""
        if user_obj.is_active and isinstance(user_obj, User) and obj is None and perm in _permissions(user_obj):
            return True
        return _refuse()


def _refuse() -> NoReturn:
    raise PermissionDenied


def _permissions(user: User) -> frozenset[str]:
    """Those of the user and of their groups, as “app.codename”; read once for each object."""
    known: frozenset[str] | None = getattr(user, KEPT, None)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(OWN_AND_OF_GROUPS, [user.pk, user.pk])
            known = frozenset(f"{app}.{codename}" for app, codename in cursor.fetchall())
        setattr(user, KEPT, known)
    return known
