# Runs of discarded versions get a state of their own, and a rollback records the versions that it went from and to.

from django.db import migrations, models

RUN_STATES = ["queued", "running", "done", "held", "failed", "cancelled", "crashed", "discarded"]


def name_discarded(apps, schema_editor):
    """Only a run that was built to its end, and so was held, has a number of experts."""
    runs = apps.get_model("indexing", "RebuildRun").objects.using(schema_editor.connection.alias)
    runs.filter(state="cancelled", experts__isnull=False).update(state="discarded")


def name_cancelled(apps, schema_editor):
    runs = apps.get_model("indexing", "RebuildRun").objects.using(schema_editor.connection.alias)
    runs.filter(state="discarded").update(state="cancelled")


def complete_pause(apps, schema_editor):
    """Which rollback paused the schedule. If a person published another version since, nothing is left to protect."""
    database = schema_editor.connection.alias
    publications = apps.get_model("indexing", "Publication").objects.using(database)
    for state in apps.get_model("indexing", "IndexState").objects.using(database).exclude(schedule_paused_at=None):
        last = publications.filter(how="rollback").order_by("-at", "-pk").first()
        if last is None:
            continue
        if last.version_id != state.live_version_id:
            state.schedule_paused_at, state.schedule_paused_name, state.schedule_paused_reason = None, "", ""
        else:
            before = publications.filter(until=last.at).exclude(pk=last.pk).first()
            state.rolled_back_to = last.version_id
            state.rolled_back_from = before.version_id if before else None
        state.save()


class Migration(migrations.Migration):
    dependencies = [("indexing", "0015_sign_ins_and_clean_up")]

    operations = [
        migrations.AlterField(
            "rebuildrun",
            "state",
            models.CharField(
                "state", max_length=10, default="queued", choices=[(state, state) for state in RUN_STATES]
            ),
        ),
        migrations.AddField("indexstate", "rolled_back_from", models.PositiveBigIntegerField(blank=True, null=True)),
        migrations.AddField("indexstate", "rolled_back_to", models.PositiveBigIntegerField(blank=True, null=True)),
        migrations.AddField(
            "publication", "pause_before", models.JSONField(blank=True, editable=False, null=True)
        ),
        migrations.AlterField(
            "publication",
            "how",
            models.CharField(
                "how",
                max_length=10,
                choices=[
                    ("run", "published automatically"),
                    ("approved", "approved"),
                    ("rollback", "rolled back to"),
                    ("undo", "restored by undoing"),
                ],
            ),
        ),
        # Last: PostgreSQL alters no table that was written to in the same transaction.
        migrations.RunPython(name_discarded, name_cancelled),
        migrations.RunPython(complete_pause, migrations.RunPython.noop),
    ]
