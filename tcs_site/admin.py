"""Users in the admin: their history outlives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Field
from django.http import HttpRequest
from django.utils.translation import gettext as _

from experts.admin.folded_search import FoldedSearch
from indexing.models.deleted_users import is_stand_in

admin.site.unregister([User, Group])


@admin.register(User)
class AccountAdmin(FoldedSearch, UserAdmin):
    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "is_staff":
            options["help_text"] = _("May sign in to the admin.")
        return super().formfield_for_dbfield(db_field, request, **options)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return not (obj and is_stand_in(obj)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return not (obj and is_stand_in(obj)) and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[str]]:
        """Without the entries of the history, which stay; an account that keeps those of a deleted user is protected.

        The objects are a nested list: the user, then what is deleted with them.
        """
        users = list(objs)
        kept = [str(user) for user in users if is_stand_in(user)]
        shown, counts, needed, protected = super().get_deleted_objects(users, request)
        entries = str(LogEntry._meta.verbose_name_plural)
        counts.pop(entries, None)
        needed.discard(str(LogEntry._meta.verbose_name))
        if kept:  # else the page would say that it takes a permission
            needed.discard(str(User._meta.verbose_name))
        protected += [_("%(user)s: keeps the history of a deleted user") % {"user": name} for name in kept]
        return _without_entries(shown), counts, needed, protected


@admin.register(Group)
class RoleAdmin(FoldedSearch, GroupAdmin):
    """As Django's."""


def _without_entries(shown: list[Any]) -> list[Any]:
    prefix = str(LogEntry._meta.verbose_name).capitalize()
    kept = [_without_entries(each) if isinstance(each, list) else each for each in shown]
    return [each for each in kept if each != [] and not (isinstance(each, str) and each.startswith(prefix))]
