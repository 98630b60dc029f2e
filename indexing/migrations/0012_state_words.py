# A state is stored under the word that pages, the API and the log show.

from django.db import migrations, models

RENAMED = {
    "RebuildRun": {"error": "failed", "lost": "crashed"},
    "IndexVersion": {"retired": "kept", "removed": "deleted"},
}
PINNED_IS_KEPT = "index_version_pinned_is_kept"
RUN_STATES = ["queued", "running", "done", "held", "failed", "cancelled", "crashed"]
VERSION_STATES = ["building", "held", "live", "kept", "deleted"]


def rename(apps, schema_editor):
    for model, words in RENAMED.items():
        for old, new in words.items():
            _replace(apps, schema_editor, model, old, new)


def rename_back(apps, schema_editor):
    for model, words in RENAMED.items():
        for old, new in words.items():
            _replace(apps, schema_editor, model, new, old)


def _replace(apps, schema_editor, model, before, after):
    rows = apps.get_model("indexing", model).objects.using(schema_editor.connection.alias)
    rows.filter(state=before).update(state=after)


class Migration(migrations.Migration):
    dependencies = [("indexing", "0011_messages")]

    operations = [
        # It names a state that is renamed, so it is put back in the new words.
        migrations.RemoveConstraint("indexversion", PINNED_IS_KEPT),
        migrations.RunPython(rename, rename_back),
        migrations.AddConstraint(
            "indexversion",
            models.CheckConstraint(
                condition=models.Q(pinned_at=None) | ~models.Q(state="deleted"), name=PINNED_IS_KEPT
            ),
        ),
        migrations.AlterField(
            "rebuildrun",
            "state",
            models.CharField(
                "state", max_length=10, default="queued", choices=[(state, state) for state in RUN_STATES]
            ),
        ),
        migrations.AlterField(
            "indexversion",
            "state",
            models.CharField(
                "state", max_length=10, default="building", choices=[(state, state) for state in VERSION_STATES]
            ),
        ),
    ]
