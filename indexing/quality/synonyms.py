"""Synonyms that staff keep: the rules for one, as a form, and those of a sample directory."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experts.safe_text import without_bidi_controls
from indexing.models import Synonym
from indexing.models.synonyms import LONGEST_KEY
from indexing.snapshot.text_analysis import words_of

MAX_OTHERS = 10
"""Synonyms of one word: each makes every search for it longer."""
BETWEEN = "\x1f"
SAMPLES = (
    ("csharp", "C#"),
    ("cpp", "C++"),
    ("k8s", "Kubernetes"),
    ("HR", "human resources"),
    ("GDPR", "data protection"),
)
"""Both ways but the last one."""


class SynonymForm(forms.ModelForm):
    """A synonym as typed: the admin, the import and the samples check the same rules."""

    class Meta:
        model = Synonym
        fields = ("typed", "found", "both_ways")
        error_messages = {
            "typed": {"required": gettext_lazy("Say what people type.")},
            "found": {"required": gettext_lazy("Say what is found as well.")},
        }

    def clean_typed(self) -> str:
        return _side(self.cleaned_data["typed"])

    def clean_found(self) -> str:
        return _side(self.cleaned_data["found"])

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError if both sides are the same to the search, or are synonyms already."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "typed" not in cleaned or "found" not in cleaned:
            return cleaned
        keys = [side_key(cleaned[name]) for name in ("typed", "found")]
        if keys[0] == keys[1]:
            raise ValidationError(_("Both sides are the same to the search. Choose another word for one of them."))
        self.instance.pair_key = BETWEEN.join(sorted(keys))
        others = Synonym.objects.exclude(pk=self.instance.pk)
        if other := others.filter(pair_key=self.instance.pair_key).first():
            raise ValidationError(
                _("These two are synonyms already: %(other)s. Change that one instead.") % {"other": other}
            )
        for key, name in zip(keys, ("typed", "found"), strict=True):
            starting, ending = f"{key}{BETWEEN}", f"{BETWEEN}{key}"
            count = others.filter(pair_key__startswith=starting).count()
            count += others.filter(pair_key__endswith=ending).count()
            if count >= MAX_OTHERS:
                sentence = ngettext(
                    "It has %(count)d synonym already, and more would slow down searches.",
                    "It has %(count)d synonyms already, and more would slow down searches.",
                    count,
                )
                self.add_error(name, sentence % {"count": count})
        return cleaned


class SynonymFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV, with the columns typed, found and both_ways (yes or no)."),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )


def side_key(text: str) -> str:
    """The words of one side as the search reads them; "" if there are none."""
    return " ".join(words_of(text))


def add_samples() -> int:
    """Add the synonyms of a sample directory that are missing; returns how many."""
    added = 0
    for typed, found in SAMPLES:
        form = SynonymForm({"typed": typed, "found": found, "both_ways": (typed, found) != SAMPLES[-1]})
        if form.is_valid():
            form.save()
            added += 1
    return added


def _side(text: str) -> str:
    """On one line, without what nobody sees. Raises ValidationError if it has no word for the search, or too many."""
    text = " ".join(without_bidi_controls(text).split())
    key = side_key(text)
    if not key:
        raise ValidationError(_("There is no word in it that a search could look for."))
    if len(key) > LONGEST_KEY:
        raise ValidationError(_("It is too long. Take the few words that matter."))
    return text
