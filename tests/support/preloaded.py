"""What the process has that others are forked from: everything imported, and what each would load again.

The latter is most of what building a small version costs.
"""

from __future__ import annotations

import gc

from tests.support import forked  # first: it sets Django up

import autobahn.twisted.util  # isort: skip
import numpy.char  # isort: skip
import numpy.ma  # isort: skip
import twisted.internet.asyncioreactor  # isort: skip
import twisted.web.http  # isort: skip
import django.db.models.sql.compiler  # isort: skip
from django.conf import settings  # isort: skip
from django.template.backends.django import get_installed_libraries  # isort: skip
from django.urls import get_resolver  # isort: skip
from django.utils.module_loading import import_string  # isort: skip

from indexing.building import languages  # isort: skip
from indexing.console.live_page import consumers  # isort: skip
from indexing.snapshot.text_analysis import fold  # isort: skip

# The reactor is not imported: each process needs one of its own.
__all__ = ["autobahn", "consumers", "django", "forked", "numpy", "twisted"]

_ = get_resolver().url_patterns  # every page's module
for each in settings.MIDDLEWARE:
    import_string(each)
get_installed_libraries()
languages.language_of("Restores church organs, casts bells, tunes pianos; repairs clocks, barometers, gramophones.")
fold("Élan")
gc.freeze()  # those forked would look through 200,000 objects, and so copy them
