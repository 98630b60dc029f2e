"""The directory in Django admin, which finds it by the name of this package."""

from experts.admin import experts as experts
from experts.admin import tags as tags
