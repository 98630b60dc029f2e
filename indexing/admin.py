"""What of the index the admin lists by itself."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from indexing.models import ApiToken
from indexing.models.tokens import ApiTokenQuerySet


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """To see who holds a token and to end it. Only signing in makes one, and nobody can read one back."""

    list_display = ("user", "created_at", "expires_at", "revoked_at", "works")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("user__username",)
    fields = readonly_fields = ("user", "created_at", "expires_at", "revoked_at", "works")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(boolean=True, description=gettext_lazy("works"))
    def works(self, token: ApiToken) -> bool:
        return token.works

    @admin.action(description=gettext_lazy("Revoke selected API tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: ApiTokenQuerySet) -> None:
        for token in queryset.unrevoked():
            self.log_change(request, token, [{"changed": {"fields": [str(gettext_lazy("revoked"))]}}])
        count = queryset.revoke()
        messages.success(request, ngettext("%s token revoked.", "%s tokens revoked.", count) % count)
