"""What the process has that workers and web processes are forked from: everything imported, and what each would load
again, which is most of what building a small version costs.
"""

from __future__ import annotations

from indexing.building import languages
from indexing.snapshot.text_analysis import fold
from tests.faults import faulty_worker, forked_web

__all__ = ["faulty_worker", "forked_web"]

languages.language_of("Restores church organs, casts bells, tunes pianos; repairs clocks, barometers, gramophones.")
fold("Élan")
