from django.db import migrations, models


class Migration(migrations.Migration):
    """Tokens issued before carry no mark and end with this: their holders sign in once more."""

    dependencies = [("indexing", "0004_run_rate")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="password_mark",
            field=models.CharField(default="", editable=False, max_length=64),
        ),
    ]
