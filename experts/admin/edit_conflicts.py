"""Two people edit one expert at once: the second one to save is warned, and nobody's work is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.forms import Field
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from experts.models import Expert

SHOWN = 60
"""characters of a value"""


def edit_conflict(stored: Expert, changed: Sequence[str], fields: Mapping[str, Field]) -> list[ValidationError]:
    """Who was faster, and what is stored now of each of the fields in `changed`, where the form says otherwise."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Expert), object_id=stored.pk)
    last = entries.select_related("user").order_by("-action_time").first()
    who = last.user.get_username() if last else _("Somebody")
    found = [
        ValidationError(
            _(
                "%(who)s has changed this expert since you opened the form, so nothing was saved. Compare the fields "
                "below. Save again to store the form as it is."
            ),
            params={"who": who},
        )
    ]
    for name in changed:
        value = Truncator(str(getattr(stored, name, "") or "–")).chars(SHOWN)
        params = {"field": fields[name].label or name, "value": value}
        found.append(ValidationError(_("%(field)s is stored as: %(value)s"), params=params))
    return found
