"""What the process has that others are forked from: everything imported, and what each would load again.

The latter is most of what building a small version costs.
"""

from __future__ import annotations

from tests.support import forked  # first: it sets Django up

import autobahn.twisted.util  # isort: skip
import numpy.ma  # isort: skip
import twisted.internet.asyncioreactor  # isort: skip
import twisted.web.http  # isort: skip
from django.urls import get_resolver  # isort: skip

from indexing.building import languages  # isort: skip
from indexing.console.live_page import consumers  # isort: skip
from indexing.snapshot.text_analysis import fold  # isort: skip

__all__ = ["autobahn", "consumers", "forked", "numpy", "twisted"]  # of the reactor each process needs one of its own

_ = get_resolver().url_patterns  # every page's module
languages.language_of("Restores church organs, casts bells, tunes pianos; repairs clocks, barometers, gramophones.")
fold("Élan")
