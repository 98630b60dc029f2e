"""No text from outside keeps a process busy: every pattern and comparison is linear, or its input is short.

A pattern that backtracks holds the interpreter's lock: one cell of an import would stop every page.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from django.conf import settings

PROCESSOR_SECONDS = 3
"""For each call. None takes .3; one that is quadratic takes 7 or, with the longest texts, minutes."""

IN_A_CHILD = f"""
import resource, time
import django
django.setup()
from tests.support import hostile_texts
most = resource.getrlimit(resource.RLIMIT_CPU)[1]
for name, call in hostile_texts.cases():
    before = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(before) + {PROCESSOR_SECONDS}, most))
    print(name, end=" ", flush=True)
    call()
    print(f"{{time.process_time() - before:.2f}} s")
print("done")
"""

USERS_OF_PATTERNS = {
    # every module that uses `re` or `difflib`, with what tries it in tests/support/hostile_texts.py
    "accounts/forms.py": "addresses",
    "experts/attachments/extraction.py": "documents",
    "experts/attachments/storage.py": "nothing: a name of 32 characters, anchored",
    "experts/iso_codes.py": "cells",
    "experts/models/validators.py": "cells",
    "experts/written_values.py": "cells",
    "experts/admin/forms.py": "nothing: three letters, anchored",
    "experts/importing/cells.py": "cells",
    "experts/importing/amounts.py": "cells",
    "experts/importing/columns.py": "cells",
    "experts/importing/encodings.py": "cells",
    "experts/importing/headers.py": "cells",
    "experts/importing/made.py": "cells",
    "experts/importing/moments.py": "cells",
    "experts/importing/stored_uploads.py": "nothing: an address of at most 32 characters",
    "experts/importing/text_files.py": "nothing: the first 20 characters of a file",
    "experts/importing/values.py": "cells",
    "experts/models/expert.py": "nothing: a fixed text, anchored",
    "experts/profiles/letters.py": "passages",
    "experts/profiles/passages.py": "passages",
    "indexing/api/schemas/experts.py": "nothing: a date, anchored",
    "indexing/api/validation.py": "nothing: reads only the values that our schemas name",
    "indexing/console/text_diff.py": "differences",
    "indexing/lib/messages.py": "logs",
    "indexing/runlog/line_filter.py": "logs",
    "indexing/search/highlights.py": "highlights",
    "indexing/snapshot/milvus_engine.py": "nothing: names of collections, at most 255 characters",
    "indexing/snapshot/query_syntax.py": "queries",
    "indexing/snapshot/suggestion_index.py": "queries",
    "indexing/snapshot/text_analysis.py": "analysis",
    "indexing/versions/bucket/s3.py": "nothing: a word between two fixed texts, which is linear",
    "tcs_site/management/commands/settings.py": "nothing: reads only our own texts",
}


def test_the_worst_texts_take_no_time():
    ended = subprocess.run(
        [sys.executable, "-c", IN_A_CHILD],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.stdout.endswith("done\n"), f"{ended.stdout[-300:]}{ended.stderr[-2000:]}"


def modules_read(path: Path) -> set[str | None]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


def test_every_module_with_patterns_is_tried():
    folders = (settings.BASE_DIR / name for name in ("accounts", "experts", "indexing", "tcs_site"))
    users = [path for folder in folders for path in folder.rglob("*.py") if {"re", "difflib"} & modules_read(path)]
    assert {path.relative_to(settings.BASE_DIR).as_posix() for path in users} == set(USERS_OF_PATTERNS)
