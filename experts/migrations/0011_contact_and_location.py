"""Contact, location, languages, availability and links of an expert, and the right to see the contact."""

from django.db import migrations, models

import experts.models.validators

ROLE = "Directory editor"
PERMISSION = ("view_contact", "Can see e-mail addresses and phone numbers")


def extend_role(apps, schema_editor):
    """Permissions are normally made after all migrations; the role needs its own now, under the name Django gives."""
    of_expert, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="experts", model="expert"
    )
    codename, name = PERMISSION
    allowed, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=of_expert, codename=codename, defaults={"name": name}
    )
    for role in apps.get_model("auth", "Group").objects.filter(name=ROLE):
        role.permissions.add(allowed)


class Migration(migrations.Migration):

    dependencies = [
        ('experts', '0010_removed_samples'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='expert',
            options={'default_permissions': ('add', 'change', 'delete', 'view'), 'ordering': ['last_name', 'first_name', 'username'], 'permissions': [('import', 'Can import experts from a file'), ('view_contact', 'Can see e-mail addresses and phone numbers')], 'verbose_name': 'expert', 'verbose_name_plural': 'experts'},
        ),
        migrations.AddField(
            model_name='expert',
            name='availability',
            field=models.CharField(blank=True, help_text='In words, such as: two days a week.', max_length=200, verbose_name='availability'),
        ),
        migrations.AddField(
            model_name='expert',
            name='available_from',
            field=models.DateField(blank=True, null=True, validators=[experts.models.validators.check_date], verbose_name='available from'),
        ),
        migrations.AddField(
            model_name='expert',
            name='city',
            field=models.CharField(blank=True, max_length=100, verbose_name='city'),
        ),
        migrations.AddField(
            model_name='expert',
            name='country',
            field=models.CharField(blank=True, max_length=2, validators=[experts.models.validators.check_country], verbose_name='country'),
        ),
        migrations.AddField(
            model_name='expert',
            name='email',
            field=models.EmailField(blank=True, max_length=254, verbose_name='e-mail'),
        ),
        migrations.AddField(
            model_name='expert',
            name='languages',
            field=models.CharField(blank=True, help_text='Names or ISO codes, such as: nl, en.', max_length=100, validators=[experts.models.validators.check_languages], verbose_name='languages'),
        ),
        migrations.AddField(
            model_name='expert',
            name='links',
            field=models.TextField(blank=True, help_text='More web addresses, one on each line.', max_length=2000, validators=[experts.models.validators.check_links], verbose_name='links'),
        ),
        migrations.AddField(
            model_name='expert',
            name='phone',
            field=models.CharField(blank=True, max_length=40, validators=[experts.models.validators.check_phone], verbose_name='phone'),
        ),
        migrations.RunPython(extend_role, migrations.RunPython.noop),
    ]
