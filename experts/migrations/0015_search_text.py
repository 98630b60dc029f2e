"""A column by which the list of experts is searched without regard to case and accents."""

from django.db import migrations, models

from experts.models.search_text import SEARCHED, search_text_of

BATCH = 1_000


def fill(apps, schema_editor):
    """In batches by id, so that memory stays bounded however large the directory is."""
    experts = apps.get_model("experts", "Expert").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(experts.filter(pk__gt=last).order_by("pk").only("pk", *SEARCHED)[:BATCH]):
        for expert in batch:
            expert.search_text = search_text_of(expert)
        experts.bulk_update(batch, ["search_text"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("experts", "0014_former_usernames_rejected_tags")]

    operations = [
        migrations.AddField(
            model_name="expert",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
    ]
