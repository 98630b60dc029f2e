# Which data folder belongs to the database, and what web processes say of theirs and of their threads.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indexing", "0016_discarded_and_rolled_back")]

    operations = [
        migrations.AddField(
            "indexstate", "database_id", models.CharField(blank=True, default="", editable=False, max_length=32),
            preserve_default=False,
        ),
        migrations.AddField(
            "servingprocess", "folder_token", models.CharField(blank=True, default="", max_length=32),
            preserve_default=False,
        ),
        migrations.AddField("servingprocess", "folder_beats", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("servingprocess", "stalled", models.JSONField(default=list)),
    ]
