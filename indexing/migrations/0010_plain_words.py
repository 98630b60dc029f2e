import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('experts', '0005_texts'),
        ('indexing', '0009_drift_samples'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField('indexstate', 'schedule_held_at', 'schedule_paused_at'),
        migrations.RenameField('indexstate', 'schedule_held_name', 'schedule_paused_name'),
        migrations.RenameField('indexstate', 'schedule_held_reason', 'schedule_paused_reason'),
        migrations.AlterField(
            model_name='publication',
            name='how',
            field=models.CharField(choices=[('run', 'published automatically'), ('approved', 'approved'), ('rollback', 'rolled back to')], max_length=10, verbose_name='how'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='requested'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='error',
            field=models.TextField(blank=True, verbose_name='error'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='reason',
            field=models.TextField(blank=True, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='reembed',
            field=models.BooleanField(default=False, verbose_name='recompute every profile'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='requested_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by'),
        ),
        migrations.AlterField(
            model_name='rebuildrun',
            name='state',
            field=models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('held', 'held'), ('error', 'failed'), ('cancelled', 'cancelled'), ('lost', 'crashed')], default='queued', max_length=10, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='savedquery',
            name='expected',
            field=models.ManyToManyField(blank=True, help_text='If a new version does not rank all of them in the top results, it is held for approval.', related_name='+', to='experts.expert', verbose_name='expected experts'),
        ),
        migrations.AlterField(
            model_name='savedquery',
            name='k',
            field=models.PositiveSmallIntegerField(default=10, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='in the top'),
        ),
    ]
