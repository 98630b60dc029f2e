from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from indexing.encoders.checks import check_model


class IndexingConfig(AppConfig):
    name = "indexing"
    verbose_name = _("Search index")

    def ready(self) -> None:
        checks.register(check_model)
