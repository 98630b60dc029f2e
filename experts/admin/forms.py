"""What staff fill in: an expert, the tags of one."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experts.models import ExpertTag, Tag


class LinesField(forms.CharField):
    """A text whose line ends are "\\n", as the import stores them, although browsers send "\\r\\n".

    Otherwise a bio would count as changed whenever somebody saves its expert, here and in the next import.
    """

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class ExpertForm(forms.ModelForm):
    """The fields come from the admin's fieldsets."""

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).strip().upper()
        if currency and not re.fullmatch("[A-Z]{3}", currency):
            raise forms.ValidationError(_("“%s” is no ISO code of three letters, such as EUR.") % currency)
        return currency


class ExpertTagForm(forms.ModelForm):
    """One tag of an expert. An automatic one can only be made manual; whatever staff add is manual."""

    keep = forms.BooleanField(
        label=gettext_lazy("make manual"),
        required=False,
        help_text=gettext_lazy("A manual tag stays, whatever the next rebuild thinks of it."),
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
            # Removed by hand it would be back with the next re-tag: what decides is the text of the expert.
            form.fields[DELETION_FIELD_NAME].disabled = True


class TagForm(forms.ModelForm):
    """The fields come from the model."""

    class Meta:
        widgets = {"description": AdminTextareaWidget(attrs={"rows": 4})}

    def clean_name(self) -> str:
        name = _one_line(self.cleaned_data["name"])
        if Tag.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                _("There is a tag “%s” already: two of one name could not be told apart.") % name
            )
        return name

    def clean_description(self) -> str:
        return _one_line(self.cleaned_data["description"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
