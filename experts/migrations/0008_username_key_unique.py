"""In a transaction of its own: PostgreSQL alters no table that the same one has just updated."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experts", "0007_username_keys")]

    operations = [
        migrations.AlterField(
            model_name="expert",
            name="username_key",
            field=models.CharField(default="", editable=False, max_length=250, unique=True),
        ),
    ]
