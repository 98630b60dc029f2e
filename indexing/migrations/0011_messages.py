# What is stored to be read later also as data, for the reader's language.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indexing", "0010_plain_words")]

    operations = [
        migrations.AddField("rebuildrun", "error_data", models.JSONField(blank=True, editable=False, null=True)),
        migrations.AddField("runlogline", "message_data", models.JSONField(editable=False, null=True)),
        migrations.AddField("servingprocess", "problem_data", models.JSONField(editable=False, null=True)),
    ]
