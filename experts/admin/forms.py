"""The forms for experts, their tags, and tags in the admin."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts import iso_codes
from experts.admin.attachments import PhotoFields
from experts.admin.edit_conflicts import edit_conflict
from experts.models import Expert, ExpertTag, Tag
from experts.written_values import read_languages, read_links, read_phone


class LinesField(forms.CharField):
    """A text whose line breaks are "\\n", as the import stores them, although browsers send "\\r\\n".

    Otherwise a bio would count as changed whenever somebody saves the expert, and again in the next import.
    """

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class ExpertForm(PhotoFields):
    """The fields come from the admin's fieldsets."""

    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)
    """When the expert was last changed, as the person at the form has seen them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "seen_at" in self.fields:
            self.fields["seen_at"].initial = self.instance.updated_at.isoformat()
        if "country" in self.fields:  # whoever may only look has no fields
            label, stored = self.fields["country"].label, self.instance.country
            choices = [("", "---------"), *iso_codes.countries()]
            self.fields["country"] = forms.ChoiceField(label=label, choices=choices, required=False, initial=stored)

    def clean_currency(self) -> str:
        """The ISO 4217 code in capitals, or "". Raises ValidationError unless it is three letters."""
        currency = str(self.cleaned_data["currency"]).strip().upper()
        if currency and not re.fullmatch("[A-Z]{3}", currency):
            raise forms.ValidationError(_("“%s” is not a three-letter ISO currency code such as EUR.") % currency)
        return currency

    def clean(self) -> dict[str, Any] | None:
        """Raises ValidationError if somebody else saved the expert since the form was opened.

        The row is locked until the transaction of the admin ends. The form comes back with what was typed, and saving
        it once more is then meant.
        """
        cleaned = super().clean()
        seen = self.data.get(self.add_prefix("seen_at"))
        stored = Expert.objects.select_for_update().filter(pk=self.instance.pk).first() if seen else None
        if stored is not None and stored.updated_at.isoformat() != seen:
            changed = [name for name in self.changed_data if name != "seen_at"]
            typed = QueryDict(mutable=True)
            typed.update(self.data)
            typed[self.add_prefix("seen_at")] = stored.updated_at.isoformat()
            self.data = typed
            if changed:
                raise forms.ValidationError(edit_conflict(stored, changed, self.fields))
        return cleaned

    def clean_phone(self) -> str:
        return read_phone(self.cleaned_data["phone"])

    def clean_languages(self) -> str:
        return read_languages(self.cleaned_data["languages"])

    def clean_links(self) -> str:
        return read_links(self.cleaned_data["links"])


class ExpertTagForm(forms.ModelForm):
    """One tag of an expert. Tags that staff add are manual; an automatic tag can only be made manual."""

    keep = forms.BooleanField(
        label=gettext_lazy("keep"),
        required=False,
        help_text=gettext_lazy("Makes the tag manual. Manual tags are never removed automatically."),
    )

    class Meta:
        model = ExpertTag
        fields = ("tag",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_automatic:
            self.fields["tag"].disabled = True
        else:
            self.fields["keep"].disabled = True
            self.fields["keep"].initial = True

    @property
    def is_automatic(self) -> bool:
        return self.instance.pk is not None and self.instance.source == ExpertTag.Source.AUTO

    def save(self, commit: bool = True) -> ExpertTag:
        if self.is_automatic and self.cleaned_data["keep"]:
            self.instance.source = ExpertTag.Source.MANUAL
            self.instance.score = None
        return super().save(commit)


class ExpertTagFormSet(BaseInlineFormSet):
    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        automatic = isinstance(form, ExpertTagForm) and form.is_automatic
        if automatic and DELETION_FIELD_NAME in form.fields:
            # The next tagging would add it again: automatic tags follow from the expert's text.
            form.fields[DELETION_FIELD_NAME].disabled = True


class TagForm(forms.ModelForm):
    """The fields come from the model."""

    class Meta:
        widgets = {"description": AdminTextareaWidget(attrs={"rows": 4})}

    def clean_name(self) -> str:
        """The name on one line. Raises ValidationError if another tag has it, whatever its case."""
        name = _one_line(self.cleaned_data["name"])
        if Tag.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("A tag named “%s” already exists.") % name)
        return name

    def clean_description(self) -> str:
        return _one_line(self.cleaned_data["description"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
