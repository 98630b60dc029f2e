"""The form of a search test: the admin and the Lab check the same rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from experts.safe_text import without_bidi_controls
from indexing.models import SearchTest


class SearchTestForm(forms.ModelForm):
    class Meta:
        model = SearchTest
        fields = ("text", "k", "expected", "unwanted", "is_active")

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError if somebody is expected and not expected at once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        both = set(cleaned.get("expected") or ()) & set(cleaned.get("unwanted") or ())
        if both:
            names = ", ".join(sorted(without_bidi_controls(each.full_name) for each in both))
            raise ValidationError(_("%(names)s: choose either expected or not expected.") % {"names": names})
        return cleaned
