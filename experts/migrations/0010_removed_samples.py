from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experts", "0009_column_mappings")]

    operations = [
        migrations.CreateModel(
            name="RemovedSamples",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("ids", models.JSONField(default=list)),
            ],
            options={"default_permissions": ()},
        ),
    ]
