"""What is wrong with a value of a request, as a sentence in the reader's language.

pydantic's own sentences are English. Some of these are Django's, which has them in many languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from indexing.api.schemas.common import NO_NUL, NOT_BLANK

INVALID = gettext_lazy("This value is not valid.")
SENTENCES: dict[str, Promise] = {
    "missing": gettext_lazy("This field is required."),
    "extra_forbidden": gettext_lazy("There is no such parameter."),
    "string_type": gettext_lazy("Send a text."),
    "string_unicode": gettext_lazy("Send a text in UTF-8."),
    "int_type": gettext_lazy("Enter a whole number."),
    "int_parsing": gettext_lazy("Enter a whole number."),
    "int_from_float": gettext_lazy("Enter a whole number."),
    "int_parsing_size": gettext_lazy("This number is too large."),
    "float_type": gettext_lazy("Enter a number."),
    "float_parsing": gettext_lazy("Enter a number."),
    "decimal_type": gettext_lazy("Enter a number."),
    "decimal_parsing": gettext_lazy("Enter a number."),
    "decimal_max_places": gettext_lazy("Use at most %(decimal_places)s decimals."),
    "date_parsing": gettext_lazy("Enter a date such as 2026-12-01."),
    "date_type": gettext_lazy("Enter a date such as 2026-12-01."),
    "finite_number": gettext_lazy("Enter a number."),
    "bool_type": gettext_lazy("Send true or false."),
    "bool_parsing": gettext_lazy("Send true or false."),
    "list_type": gettext_lazy("Send a list."),
    "dict_type": gettext_lazy("Send a JSON object."),
    "model_type": gettext_lazy("Send a JSON object."),
    "model_attributes_type": gettext_lazy("Send a JSON object."),
    "greater_than_equal": gettext_lazy("Ensure this value is greater than or equal to %(limit_value)s."),
    "less_than_equal": gettext_lazy("Ensure this value is less than or equal to %(limit_value)s."),
    "literal_error": gettext_lazy("Use one of these: %(values)s."),
    "enum": gettext_lazy("Use one of these: %(values)s."),
}
"""pydantic's types of errors that requests can meet, and the sentence for each."""
PATTERNS: dict[str, Promise] = {
    NO_NUL: gettext_lazy("Null characters are not allowed."),
    NOT_BLANK: gettext_lazy("Type what you are looking for."),
}


def sentence(problem: Mapping[str, Any]) -> str:
    """The sentence for one error, as pydantic describes it: its `type` and the values in `ctx`."""
    kind, values = problem["type"], dict(problem.get("ctx") or {})
    if kind == "string_pattern_mismatch":
        return str(PATTERNS.get(values["pattern"], INVALID))
    if kind == "string_too_short":
        return _too_short(values["min_length"])
    if kind == "string_too_long":
        return _too_long(values["max_length"])
    values["limit_value"] = values.get("ge", values.get("le"))
    if "expected" in values:  # "'full' or 'tags'"
        values["values"] = ", ".join(re.findall(r"'([^']*)'", values["expected"]))
    return str(SENTENCES.get(kind, INVALID)) % values


def _too_short(least: int) -> str:
    if least == 1:
        return _("This field is required.")
    return ngettext("Use at least %(count)s character.", "Use at least %(count)s characters.", least) % {
        "count": least
    }


def _too_long(most: int) -> str:
    return ngettext("Use at most %(count)s character.", "Use at most %(count)s characters.", most) % {"count": most}
