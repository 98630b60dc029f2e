"""One rule for usernames: each gets a key, and experts who turn out to share one are named; nobody is lost.

Dates of creation outside the years that can be shown everywhere move to the nearest one.
"""

from datetime import UTC, datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.utils import timezone

from experts.identity import conflict_key, identity_key

BATCH = 1_000
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)


def fill(apps, schema_editor):
    experts = apps.get_model("experts", "Expert").objects.using(schema_editor.connection.alias)
    first: dict[str, str] = {}
    batch = []
    for pk, username in experts.order_by("pk").values_list("pk", "username").iterator():
        key = identity_key(username)
        if key in first:
            print(f"\n  The usernames {first[key]!r} and {username!r} read the same: rename one of the two experts.", end="")
            key = conflict_key(key, pk)
        else:
            first[key] = username
        batch.append(experts.model(pk=pk, username_key=key))
        if len(batch) == BATCH:
            experts.bulk_update(batch, ["username_key"])
            batch.clear()
    experts.bulk_update(batch, ["username_key"])


def clamp(apps, schema_editor):
    experts = apps.get_model("experts", "Expert").objects.using(schema_editor.connection.alias)
    experts.filter(created_at__lt=FIRST).update(created_at=FIRST, updated_at=timezone.now())
    experts.filter(created_at__gt=LAST).update(created_at=LAST, updated_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("experts", "0006_import_records")]

    operations = [
        migrations.RemoveConstraint(model_name="expert", name="expert_username_unique"),
        migrations.AddField(
            model_name="expert",
            name="username_key",
            field=models.CharField(default="", editable=False, max_length=250),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(clamp, migrations.RunPython.noop, elidable=False),
        migrations.AlterField(
            model_name="expert",
            name="created_at",
            field=models.DateTimeField(
                default=timezone.now,
                validators=[
                    MinValueValidator(FIRST, "The year must be from 1900 to 2200."),
                    MaxValueValidator(LAST, "The year must be from 1900 to 2200."),
                ],
                verbose_name="created",
            ),
        ),
    ]
