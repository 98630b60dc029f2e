"""The form that uploads a file to import."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV, Excel (.xlsx) or OpenDocument (.ods). You see a preview before anything is imported."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.ods,text/csv"}),
    )
    sync = forms.BooleanField(
        label=gettext_lazy("Synchronise"),
        required=False,
        help_text=gettext_lazy(
            "Make the file the full list: everyone not in it is deactivated; everyone in it is activated."
        ),
    )
    skip_bad = forms.BooleanField(
        label=gettext_lazy("Skip bad rows"),
        required=False,
        help_text=gettext_lazy("If unticked, a single bad row stops the whole import."),
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].error_messages["empty"] = _("The file is empty: it has no header and no experts.")
        if too_large:  # the upload was cut off, so for Django there is no file
            self.fields["file"].error_messages["required"] = _too_large()

    def clean_file(self) -> UploadedFile:
        """Raises ValidationError if the file is larger than TCS_IMPORT_MAX_MB (2**20 bytes each)."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.TCS_IMPORT_MAX_MB * 2**20:
            raise forms.ValidationError(_too_large())
        return file


def _too_large() -> str:
    return _("The file is larger than %s MB. Split the file, or ask your administrator to raise the limit.") % (
        settings.TCS_IMPORT_MAX_MB
    )
