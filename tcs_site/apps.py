from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save

from tcs_site import first_password


class SiteConfig(AppConfig):
    name = "tcs_site"

    def ready(self) -> None:
        post_save.connect(first_password.forget_once_used, sender=settings.AUTH_USER_MODEL)
