"""The role of people who only search."""

from django.db import migrations

ROLE = "Searcher"
PERMISSIONS = [
    ("search", "Can search experts"),
    ("view", "Can see the index, its runs and logs"),
    ("rebuild", "Can start and cancel runs"),
    ("cancel", "Can cancel runs"),
    ("publish", "Can publish, discard and roll back versions"),
]


def create_role(apps, schema_editor):
    """Permissions are normally made after all migrations; the role needs its own now."""
    of_index, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="indexing", model="indexstate"
    )
    codename, name = PERMISSIONS[0]
    search, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=of_index, codename=codename, defaults={"name": name}
    )
    role, _ = apps.get_model("auth", "Group").objects.get_or_create(name=ROLE)
    role.permissions.add(search)


class Migration(migrations.Migration):
    dependencies = [
        ("indexing", "0020_what_people_do"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="indexstate",
            options={
                "default_permissions": (),
                "permissions": PERMISSIONS,
                "verbose_name": "index",
                "verbose_name_plural": "index",
            },
        ),
        migrations.RunPython(create_role, migrations.RunPython.noop),
    ]
