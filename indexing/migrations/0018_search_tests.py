# Saved queries are called search tests. Who had the permissions for the one has those for the other.

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")


def _rename_rights(apps, old, new):
    """Give the content type and its permissions, which groups and users hold, their new names."""
    types = apps.get_model("contenttypes", "ContentType").objects.filter(app_label="indexing")
    if not types.filter(model=new).exists():  # `migrate` itself renames it, other ways to migrate do not
        types.filter(model=old).update(model=new)
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="indexing")
    verbose = {"savedquery": "saved query", "searchtest": "search test"}[new]
    for action in ACTIONS:
        permissions.filter(codename=f"{action}_{old}", content_type__model=new).update(
            codename=f"{action}_{new}", name=f"Can {action} {verbose}"
        )


def rename_rights(apps, schema_editor):
    _rename_rights(apps, "savedquery", "searchtest")


def restore_rights(apps, schema_editor):
    _rename_rights(apps, "searchtest", "savedquery")


class Migration(migrations.Migration):
    dependencies = [
        ("indexing", "0017_data_folder"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("SavedQuery", "SearchTest"),
        migrations.AlterModelOptions(
            "searchtest",
            {"ordering": ["text"], "verbose_name": "search test", "verbose_name_plural": "search tests"},
        ),
        migrations.RunPython(rename_rights, restore_rights),
    ]
