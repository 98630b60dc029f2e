"""The default tag catalogue, so that the first rebuild has something to assign."""

from django.db import migrations

from experts.tagging.default_tags import DEFAULT_TAGS


def load(apps, schema_editor):
    tag = apps.get_model("experts", "Tag")
    for kind, name, description in DEFAULT_TAGS:
        tag.objects.get_or_create(name=name, defaults={"kind": kind, "description": description})


class Migration(migrations.Migration):
    dependencies = [("experts", "0001_initial")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
