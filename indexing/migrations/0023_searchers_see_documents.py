"""People who only search see the documents of experts: a CV is what they look for, and its words find people."""

from django.db import migrations

ROLE = "Searcher"
CODENAME, NAME = "view_document", "Can view document"


def add_right(apps, schema_editor):
    """Permissions are normally made after all migrations; the role needs its own now, under the name Django gives."""
    role = apps.get_model("auth", "Group").objects.filter(name=ROLE).first()
    if role is None:  # somebody deleted it
        return
    documents, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="experts", model="document"
    )
    allowed, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=documents, codename=CODENAME, defaults={"name": NAME}
    )
    role.permissions.add(allowed)


class Migration(migrations.Migration):
    dependencies = [("indexing", "0022_synonyms"), ("experts", "0013_document_rights")]

    operations = [migrations.RunPython(add_right, migrations.RunPython.noop)]
