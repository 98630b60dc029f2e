from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indexing", "0013_stage_labels")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="name",
            field=models.CharField(blank=True, default="", editable=False, max_length=80, verbose_name="name"),
        ),
    ]
