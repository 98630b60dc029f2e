from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from indexing.encoders.checks import check_model


class IndexingConfig(AppConfig):
    name = "indexing"
    verbose_name = _("Search index")

    def ready(self) -> None:
        checks.register(check_model)
        # By its name: it needs models, which cannot be imported before this.
        checks.register(import_string("indexing.versions.checks.check_data_folder"))
