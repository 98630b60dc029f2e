# Plain labels for the stages of a run; the stored values stay.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indexing", "0012_state_words")]

    operations = [
        migrations.AlterField(
            "rebuildrun",
            "stage",
            models.CharField(
                blank=True,
                choices=[
                    ("snapshot", "read the directory"),
                    ("embed", "process profiles"),
                    ("tag", "assign tags"),
                    ("vectors", "index by meaning"),
                    ("keywords", "index by keywords"),
                    ("verify", "verify the files"),
                    ("gate", "check before publishing"),
                    ("publish", "publish"),
                ],
                max_length=10,
                verbose_name="stage",
            ),
        ),
    ]
