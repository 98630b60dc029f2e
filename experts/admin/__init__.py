"""The directory in Django admin, which imports this package by its name."""

from experts.admin import experts as experts
