"""The role of those who keep the directory."""

from django.db import migrations

ROLE = "Directory editor"
PERMISSIONS = {
    "expert": {
        "add": "Can add expert",
        "change": "Can change expert",
        "view": "Can view expert",
        "import": "Can import experts from a file",
    },
    "experttag": {
        "add": "Can add tag of an expert",
        "change": "Can change tag of an expert",
        "delete": "Can delete tag of an expert",
        "view": "Can view tag of an expert",
    },
    "tag": {"add": "Can add tag", "change": "Can change tag", "view": "Can view tag"},
}
"""Without deleting experts and tags: deactivating them does, and can be undone."""


def create_role(apps, schema_editor):
    """Permissions are normally made after all migrations; the role needs its own now, under the names Django gives."""
    content_type = apps.get_model("contenttypes", "ContentType").objects
    permission = apps.get_model("auth", "Permission").objects
    role, _ = apps.get_model("auth", "Group").objects.get_or_create(name=ROLE)
    for model, actions in PERMISSIONS.items():
        of_model, _ = content_type.get_or_create(app_label="experts", model=model)
        for action, name in actions.items():
            codename = action if action == "import" else f"{action}_{model}"
            allowed, _ = permission.get_or_create(content_type=of_model, codename=codename, defaults={"name": name})
            role.permissions.add(allowed)


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0002_default_tags"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_role, migrations.RunPython.noop)]
