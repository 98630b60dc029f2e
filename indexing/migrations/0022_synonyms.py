# Synonyms, and the permissions for them, which those who keep the directory get.

from django.db import migrations, models

ROLE = "Directory editor"
ACTIONS = ("add", "change", "delete", "view")


def extend_role(apps, schema_editor):
    """Permissions are normally made after all migrations; the role, if it is still there, needs its own now."""
    role = apps.get_model("auth", "Group").objects.filter(name=ROLE).first()
    of_model, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="indexing", model="synonym"
    )
    for action in ACTIONS:
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=of_model, codename=f"{action}_synonym", defaults={"name": f"Can {action} synonym"}
        )
        if role is not None:
            role.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("indexing", "0021_searcher"),
        ("experts", "0003_directory_editor"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="Synonym",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "typed",
                    models.CharField(
                        help_text="A word or a few, such as csharp.", max_length=80, verbose_name="people type"
                    ),
                ),
                (
                    "found",
                    models.CharField(
                        help_text="What is found as well, such as C#. One meaning per row.",
                        max_length=80,
                        verbose_name="profiles say",
                    ),
                ),
                (
                    "both_ways",
                    models.BooleanField(
                        default=True, help_text="Who types the second finds the first too.", verbose_name="both ways"
                    ),
                ),
                ("pair_key", models.CharField(editable=False, max_length=501, unique=True)),
                ("changed_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "synonym",
                "verbose_name_plural": "synonyms",
                "ordering": ["typed", "found"],
            },
        ),
        migrations.RunPython(extend_role, migrations.RunPython.noop),
    ]
