"""New help texts; the database stays as it is."""
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experts', '0004_index_of_changes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='expert',
            name='currency',
            field=models.CharField(blank=True, help_text='Three-letter ISO code, such as EUR.', max_length=3, verbose_name='currency'),
        ),
        migrations.AlterField(
            model_name='experttag',
            name='score',
            field=models.FloatField(blank=True, help_text='How well the profile fits the tag, at most 1; only for automatic tags.', null=True, verbose_name='score'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='description',
            field=models.CharField(help_text='One sentence describing who should get this tag.', max_length=300, verbose_name='description'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='is_active',
            field=models.BooleanField(default=True, help_text='Only active tags are assigned automatically.', verbose_name='active'),
        ),
        migrations.AlterConstraint(
            model_name='expert',
            name='expert_username_unique',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='expert_username_unique', violation_error_message='An expert with this username already exists.'),
        ),
    ]
