"""The lock row and the roles."""

from django.db import migrations

ROLES = {
    "Index viewer": ["view"],
    "Index operator": ["view", "rebuild", "cancel"],
    "Index publisher": ["view", "rebuild", "cancel", "publish"],
}


def create_row(apps, schema_editor):
    apps.get_model("indexing", "IndexState").objects.get_or_create(pk=1)


def create_roles(apps, schema_editor):
    """Permissions are normally made after all migrations; the roles need theirs now."""
    state = apps.get_model("indexing", "IndexState")
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="indexing", model="indexstate"
    )
    permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group")
    labels = dict(state._meta.permissions)
    for role, codenames in ROLES.items():
        members, _ = group.objects.get_or_create(name=role)
        for codename in codenames:
            allowed, _ = permission.objects.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": str(labels[codename])}
            )
            members.permissions.add(allowed)


class Migration(migrations.Migration):
    dependencies = [
        ("indexing", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(create_row, migrations.RunPython.noop),
        migrations.RunPython(create_roles, migrations.RunPython.noop),
    ]
