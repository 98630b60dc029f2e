"""The directory's rows: experts, tags, and which expert has which tag."""

from experts.models.expert import Expert as Expert
from experts.models.expert import ExpertQuerySet as ExpertQuerySet
from experts.models.expert import ExpertTag as ExpertTag
from experts.models.imports import ImportRecord as ImportRecord
from experts.models.tag import Tag as Tag
