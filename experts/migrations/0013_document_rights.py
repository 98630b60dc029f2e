"""Those who keep the directory keep its documents too."""

from django.db import migrations

ROLE = "Directory editor"
ACTIONS = ("add", "delete", "view")


def add_rights(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType").objects
    permission = apps.get_model("auth", "Permission").objects
    role = apps.get_model("auth", "Group").objects.filter(name=ROLE).first()
    if role is None:  # somebody deleted it
        return
    documents, _ = content_type.get_or_create(app_label="experts", model="document")
    for action in ACTIONS:
        allowed, _ = permission.get_or_create(
            content_type=documents, codename=f"{action}_document", defaults={"name": f"Can {action} document"}
        )
        role.permissions.add(allowed)


class Migration(migrations.Migration):
    dependencies = [("experts", "0012_documents_and_photos")]

    operations = [migrations.RunPython(add_rights, migrations.RunPython.noop)]
