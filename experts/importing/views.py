"""The import pages of the admin: upload a file, see what it would do, import it. They work without JavaScript."""

from __future__ import annotations

import io
from dataclasses import replace

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from experts.follow_up import what_follows
from experts.importing import uploads
from experts.importing.access import admin_context, after_import, may_import
from experts.importing.apply import apply_plan, check_deactivated
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed
from experts.importing.forms import ImportForm
from experts.importing.headers import ColumnsUnknown
from experts.importing.options import ImportOptions
from experts.importing.plan import ImportPlan, make_plan
from experts.importing.preview import preview_context
from experts.importing.reading_form import ReadingForm
from experts.importing.refused_rows import write_refused
from experts.importing.tables import ImportTable, open_table
from experts.importing.undo_views import undo_import
from experts.models import ImportRecord, hidden_fields
from experts.numbers import whole_number
from experts.samples.removal import samples


@require_http_methods(["GET", "POST"])
@may_import
def upload(request: HttpRequest) -> HttpResponse:
    form = ImportForm()
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES, too_large=getattr(request, "upload_too_large", False))
        if form.is_valid():
            file = form.cleaned_data["file"]
            options = ImportOptions(sync=form.cleaned_data["sync"])
            skip_bad = form.cleaned_data["skip_bad"]
            uploads.store_upload(request, file, name=file.name, skip_bad=skip_bad, options=options)
            return redirect("admin:experts_expert_import_preview")
    context = {
        "form": form,
        "columns": COLUMNS,
        "title": _("Import experts"),
        "undoable": ImportRecord.objects.undoable(),
        "samples": samples().count(),
    }
    return render(request, "admin/experts/expert/import.html", admin_context(request, context))


@require_GET
@may_import
def import_preview(request: HttpRequest) -> HttpResponse:
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    return _preview(request, pending)


@require_POST
@may_import
def choose(request: HttpRequest) -> HttpResponse:
    """Read the pending file as the form of the preview says, and show the preview again."""
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    if "without_sync" in request.POST:
        uploads.remember_choices(request, replace(pending, options=replace(pending.options, sync=False)))
        return redirect("admin:experts_expert_import_preview")
    try:
        table = _table(pending)
        form = ReadingForm(table.format, table.header, request.POST, pending.options)
    except ColumnsUnknown as error:
        form = ReadingForm(error.format, error.header, request.POST, pending.options)
    except ImportFailed as error:
        messages.error(request, str(error))
        return redirect("admin:experts_expert_import_preview")
    if form.is_valid():
        uploads.remember_choices(request, replace(pending, options=form.options()))
    else:
        messages.error(request, _("Nothing was changed: check what you chose."))
    return redirect("admin:experts_expert_import_preview")


@require_GET
@may_import
def refused(request: HttpRequest) -> HttpResponse:
    """The refused rows as a file, with the reasons."""
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    rows = io.StringIO()
    try:
        with pending.path.open("rb") as file:
            write_refused(make_plan(file, pending.options, rows_file=pending.rows_path), rows)
    except (ImportFailed, FileNotFoundError):
        return redirect("admin:experts_expert_import_preview")
    return _download(rows.getvalue(), "refused-rows.csv")


@require_GET
@may_import
def template(request: HttpRequest) -> HttpResponse:
    """An empty file with our columns."""
    return _download(",".join(COLUMNS) + "\r\n", "experts.csv")


@require_POST
@may_import
def apply(request: HttpRequest) -> HttpResponse:
    """Import exactly what the preview showed: if the plan is another one by now, show the preview again."""
    assert isinstance(request.user, User)
    pending = uploads.find_pending(request)
    if pending is None:
        return _no_pending_import(request)
    try:
        plan = _plan(pending)
        if plan.digest != request.POST.get("digest"):
            messages.warning(request, _("The directory has changed in the meantime. Check the new preview below."))
            return _show_preview(request, pending, plan)
        check_deactivated(plan, whole_number(request.POST.get("deactivate", "").strip()))
        skip_bad = pending.skip_bad or "skip_bad" in request.POST
        record = apply_plan(plan, skip_bad=skip_bad, user=request.user, file_name=pending.name)
    except ImportFailed as error:
        messages.error(request, str(error))
        return redirect("admin:experts_expert_import_preview")
    uploads.discard_pending(request)
    address = reverse("admin:experts_expert_import_undo", args=[record.pk])
    follows = what_follows(request, len(plan.new) + len(plan.changed))
    done = format_html('{} <a href="{}">{}</a> {}', _success_message(pending, plan), address, _("Undo…"), follows)
    messages.success(request, done)
    return redirect(after_import(request.user))


@require_POST
@may_import
def discard(request: HttpRequest) -> HttpResponse:
    uploads.discard_pending(request)
    messages.info(request, _("Nothing was imported."))
    return redirect(after_import(request.user))


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("import/", site.admin_view(upload), name="experts_expert_import"),
        path("import/preview/", site.admin_view(import_preview), name="experts_expert_import_preview"),
        path("import/choose/", site.admin_view(choose), name="experts_expert_import_choose"),
        path("import/refused/", site.admin_view(refused), name="experts_expert_import_refused"),
        path("import/template/", site.admin_view(template), name="experts_expert_import_template"),
        path("import/apply/", site.admin_view(apply), name="experts_expert_import_apply"),
        path("import/discard/", site.admin_view(discard), name="experts_expert_import_discard"),
        path("import/<int:record_id>/undo/", site.admin_view(undo_import), name="experts_expert_import_undo"),
    ]


def _plan(pending: uploads.PendingImport) -> ImportPlan:
    try:
        with pending.path.open("rb") as file:
            return make_plan(file, pending.options, rows_file=pending.rows_path)
    except FileNotFoundError:
        raise ImportFailed(_("The uploaded file has expired. Upload it again.")) from None


def _table(pending: uploads.PendingImport) -> ImportTable:
    try:
        with pending.path.open("rb") as file:
            return open_table(file, pending.options, pending.rows_path)
    except FileNotFoundError:
        raise ImportFailed(_("The uploaded file has expired. Upload it again.")) from None


def _download(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        "\ufeff" + text,  # tells spreadsheets that it is UTF-8
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _no_pending_import(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no pending import. It was already applied or has expired."))
    return redirect("admin:experts_expert_import")


def _success_message(pending: uploads.PendingImport, plan: ImportPlan) -> str:
    counts = plan.counts
    return _(
        "Imported %(file)s: %(new)s new, %(changed)s changed, %(deactivated)s deactivated, %(rejected)s skipped."
    ) % {
        "file": pending.name,
        "new": intcomma(counts.new),
        "changed": intcomma(counts.changed),
        "deactivated": intcomma(len(plan.deactivated)),
        "rejected": intcomma(counts.rejected),
    }


def _preview(request: HttpRequest, pending: uploads.PendingImport) -> HttpResponse:
    try:
        return _show_preview(request, pending, _plan(pending))
    except ColumnsUnknown as error:
        messages.error(request, str(error))
        return _show_columns(request, pending, error)
    except ImportFailed as error:
        sentence = _("“%(file)s” cannot be imported. %(error)s") % {"file": pending.name, "error": error}
        messages.error(request, sentence)
        chosen = replace(pending.options, sync=False)
        if chosen == ImportOptions():
            uploads.discard_pending(request)
            return redirect("admin:experts_expert_import")
        # What was chosen does not fit the file: read it as at first.
        pending = replace(pending, options=ImportOptions(sync=pending.options.sync))
        uploads.remember_choices(request, pending)
        return _preview(request, pending)


def _show_preview(request: HttpRequest, pending: uploads.PendingImport, plan: ImportPlan) -> HttpResponse:
    context = preview_context(pending, plan, hidden_fields(request.user))
    return render(request, "admin/experts/expert/import_preview.html", admin_context(request, context))


def _show_columns(request: HttpRequest, pending: uploads.PendingImport, error: ColumnsUnknown) -> HttpResponse:
    """Only how the file is read: nobody knows yet what its columns mean."""
    context = {
        "title": _("Import experts: columns"),
        "pending": pending,
        "reading": ReadingForm(error.format, error.header, None, pending.options),
    }
    return render(request, "admin/experts/expert/import_columns.html", admin_context(request, context))
