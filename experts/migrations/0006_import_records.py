# What the last imports changed, so that they can be undone.

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experts", "0005_texts")]

    operations = [
        migrations.CreateModel(
            name="ImportRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("name", models.CharField(blank=True, max_length=150)),
                ("file_name", models.CharField(blank=True, max_length=255)),
                ("new", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("deactivated", models.PositiveIntegerField(default=0)),
                ("changes", models.BinaryField(editable=False)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_name", models.CharField(blank=True, max_length=150)),
            ],
            options={"ordering": ["-pk"], "default_permissions": ()},
        ),
    ]
