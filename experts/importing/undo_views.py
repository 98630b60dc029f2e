"""The page that undoes an import: it says what would be undone and what would not, and asks."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from experts.importing.access import admin_context, after_import, may_import
from experts.importing.errors import ImportFailed
from experts.importing.shortened import ShortenedList
from experts.importing.undo import UndoPlan, plan_undo, undo
from experts.models import ImportRecord, hidden_fields


@require_http_methods(["GET", "POST"])
@may_import
def undo_import(request: HttpRequest, record_id: int) -> HttpResponse:
    assert isinstance(request.user, User)
    record = get_object_or_404(ImportRecord, pk=record_id)
    try:
        if request.method == "POST":
            messages.success(request, _success_message(record, undo(record.pk, request.user)))
            return redirect(after_import(request.user))
        plan = plan_undo(record)
    except ImportFailed as error:
        messages.error(request, str(error))
        return redirect("admin:experts_expert_import")
    context = {
        "title": _("Undo import"),
        "record": record,
        "plan": plan,
        "left_alone": ShortenedList.from_rows(plan.left_alone),
        "conflicts": ShortenedList.from_rows(plan.conflicts),
        "hidden": hidden_fields(request.user),
    }
    return render(request, "admin/experts/expert/import_undo.html", admin_context(request, context))


def _success_message(record: ImportRecord, done: UndoPlan) -> str:
    sentence = _(
        "The import of %(file)s was undone: %(deleted)s deleted, %(restored)s restored, %(activated)s activated."
    ) % {
        "file": record.file_name,
        "deleted": len(done.delete),
        "restored": len(done.restore),
        "activated": len(done.activate),
    }
    sentences, left, conflicts = [sentence], len(done.left_alone), len(done.conflicts)
    if left:
        rest = ngettext(
            "%(left)s expert was left alone, because of later changes.",
            "%(left)s experts were left alone, because of later changes.",
            left,
        )
        sentences.append(rest % {"left": left})
    if conflicts:
        rest = ngettext(
            "%(count)s value stays, because it was changed later.",
            "%(count)s values stay, because they were changed later.",
            conflicts,
        )
        sentences.append(rest % {"count": conflicts})
    return " ".join(sentences)
