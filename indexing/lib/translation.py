"""Messages in the language of whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext

from indexing.lib.messages import Message, as_value, in_english


def translated(what: Message | BaseException | None) -> str:
    """The message, or an error's, in the current language; an error without one as it is; empty for None."""
    if what is None:
        return ""
    found = as_value(what)
    return found.filled(_template(found), _shown) if isinstance(found, Message) else str(found)


def stored_text(what: Message) -> str:
    """The message in the installation's language: for text that is searched, downloaded or sent."""
    with translation.override(settings.LANGUAGE_CODE):
        return translated(what)


def from_row(data: Mapping[str, Any] | None, text: str) -> str:
    """A row's message `data` (`Message.as_dict`) in the current language; `text` for a row of an older release."""
    return translated(Message.from_dict(data)) if data else text


def label(text: object, context: str = "") -> Message:
    """The message behind a translated text, such as the label of a choice or the name of a field."""
    with translation.override(None):
        return Message(str(text), context=context)


def _template(found: Message) -> str:
    if not found.id:
        return ""  # gettext would answer with the head of the catalogue
    if found.plural and found.context:
        return npgettext(found.context, found.id, found.plural, found.count)
    if found.plural:
        return ngettext(found.id, found.plural, found.count)
    if found.context and (text := pgettext(found.context, found.id)) != found.id:
        return text
    return gettext(found.id)


def _shown(value: Any, kind: str, decimals: int | None) -> str:
    if isinstance(value, Message):
        return translated(value)
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")
    if kind == "d":
        return formats.number_format(int(value), 0, use_l10n=True, force_grouping=True)
    if kind == "f" and decimals is not None:
        # Rounded first: `number_format` alone truncates.
        return formats.number_format(round(value, decimals), decimals, use_l10n=True, force_grouping=True)
    return in_english(value, kind, decimals)
