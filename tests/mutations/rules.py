"""The modules that hold rules, and the tests that must notice when one of them breaks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that are tested together."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    """arguments of pytest; of these, each mutant meets the tests that run its line"""
    locks: bool = False
    """rows are locked, which only PostgreSQL does"""


IMPORT_TESTS = tuple(
    f"tests/experts/test_import_{name}.py"
    for name in (
        "archives",
        "cases",
        "cells",
        "choices",
        "edges",
        "excel",
        "fields",
        "files",
        "matching",
        "page",
        "preview",
        "sheets",
        "text_files",
        "values",
    )  # fmt: skip
)

GROUPS = {
    "runs": Group(
        (
            "indexing/runs/queue.py",
            "indexing/runs/lease.py",
            "indexing/runs/endings.py",
            "indexing/runs/launch.py",
        ),
        (
            "tests/runs/test_runs.py",
            "tests/runs/test_who_decides_second.py",
            "tests/runs/test_run_reasons.py",
            "tests/runs/test_runs_at_the_edges.py",
            "tests/runs/test_launch.py",
            "tests/versions/test_after_a_rollback.py",
            "tests/versions/test_what_decisions_leave.py",
        ),
        locks=True,
    ),
    "publishing": Group(
        (
            "indexing/versions/decisions.py",
            "indexing/versions/going_live.py",
            "indexing/versions/opening.py",
            "indexing/versions/free_memory.py",
            "indexing/versions/pinning.py",
        ),
        (
            "tests/versions/test_what_decisions_leave.py",
            "tests/versions/test_opening.py",
            "tests/versions/test_undo.py",
            "tests/versions/test_after_a_rollback.py",
            "tests/versions/test_decisions.py",
            "tests/versions/test_held_version.py",
            "tests/versions/test_pinning.py",
            "tests/runs/test_who_decides_second.py",
        ),
        locks=True,
    ),
    "pages": Group(
        ("indexing/console/versions/views.py",),
        (
            "tests/versions/test_undo.py",
            "tests/versions/test_held_version.py",
            "tests/versions/test_pinning.py",
            "tests/versions/test_rollback_page.py",
            "tests/versions/test_version_pages.py",
        ),
    ),
    "sweep": Group(
        ("indexing/versions/sweep.py",),
        (
            "tests/versions/test_sweep.py",
            "tests/versions/test_data_folder.py",
            "tests/versions/test_pinning.py",
            "tests/runs/test_who_decides_second.py",
            "tests/ops/test_retention.py",
        ),
        locks=True,
    ),
    "live": Group(("indexing/serving/live.py",), ("tests/serving", "tests/worker/test_shared_folder.py")),
    "gate": Group(("indexing/quality/gate.py",), ("tests/quality/test_gate.py",)),
    "keywords": Group(
        (
            "indexing/snapshot/keyword_index.py",
            "indexing/snapshot/keyword_query.py",
            "indexing/snapshot/keyword_schema.py",
        ),
        (
            "tests/snapshot/test_keyword_index.py",
            "tests/snapshot/test_keyword_query.py",
            "tests/snapshot/test_vocabulary.py",
            "tests/search/test_filters.py",
            "tests/search/test_query_words.py",
            "tests/search/test_searcher.py",
            "tests/search/test_explanation.py",
            "tests/search/test_documents_in_search.py",
            "tests/quality/test_synonyms.py",
        ),
    ),
    "ranking": Group(
        ("indexing/search/fusion.py",),
        (
            "tests/search/test_fusion.py",
            "tests/search/test_searcher.py",
            "tests/search/test_strength.py",
            "tests/search/test_piece_words.py",
            "tests/search/test_where.py",
        ),
    ),
    "reader": Group(
        ("indexing/snapshot/reader.py",),
        (
            "tests/snapshot/test_snapshot.py",
            "tests/snapshot/test_snapshot_checks.py",
            "tests/snapshot/test_feedback_terms.py",
            "tests/search/test_query_words.py",
            "tests/serving",
        ),
    ),
    "reading": Group(
        (
            "experts/importing/amounts.py",
            "experts/importing/archives.py",
            "experts/importing/columns.py",
            "experts/importing/conventions.py",
            "experts/importing/encodings.py",
            "experts/importing/headers.py",
            "experts/importing/made.py",
            "experts/importing/moments.py",
            "experts/importing/opendocument.py",
            "experts/importing/options.py",
            "experts/importing/sheets.py",
            "experts/importing/source_rows.py",
            "experts/importing/sources.py",
            "experts/importing/tables.py",
            "experts/importing/text_files.py",
            "experts/importing/values.py",
        ),
        IMPORT_TESTS,
    ),
    "importing": Group(
        (
            "experts/identity.py",
            "experts/importing/apply.py",
            "experts/importing/cells.py",
            "experts/importing/errors.py",
            "experts/importing/forms.py",
            "experts/importing/matching.py",
            "experts/importing/plan.py",
            "experts/importing/preview.py",
            "experts/importing/reading_form.py",
            "experts/importing/refused_rows.py",
            "experts/importing/remembered.py",
            "experts/importing/undo.py",
            "experts/exporting.py",
            "experts/importing/stored_uploads.py",
            "experts/importing/uploads.py",
            "experts/importing/views.py",
            "experts/models/username_key.py",
        ),
        (
            *IMPORT_TESTS,
            "tests/experts/test_importing.py",
            "tests/experts/test_import_rights.py",
            "tests/experts/test_import_undo.py",
            "tests/experts/test_import_command.py",
            "tests/experts/test_usernames.py",
            "tests/api/test_directory.py",
            "tests/faults/test_writers_meet.py",
            "--deselect=tests/experts/test_import_command.py::"
            "test_ten_thousand_real_people_are_imported_and_unchanged_the_second_time",
        ),
        locks=True,
    ),
}
