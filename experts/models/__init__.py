"""The directory's rows: experts, tags, and which expert has which tag."""

from experts.models.document import Document as Document
from experts.models.expert import CONTACT as CONTACT
from experts.models.expert import Expert as Expert
from experts.models.expert import hidden_fields as hidden_fields
from experts.models.expert_queries import ExpertQuerySet as ExpertQuerySet
from experts.models.expert_tag import ExpertTag as ExpertTag
from experts.models.former_username import FormerUsername as FormerUsername
from experts.models.imports import ColumnMapping as ColumnMapping
from experts.models.imports import ImportRecord as ImportRecord
from experts.models.list_views import ChosenColumns as ChosenColumns
from experts.models.list_views import SavedView as SavedView
from experts.models.rejected_tag import RejectedTag as RejectedTag
from experts.models.samples import RemovedSamples as RemovedSamples
from experts.models.shortlist import Shortlist as Shortlist
from experts.models.shortlist import ShortlistEntry as ShortlistEntry
from experts.models.shortlist import ShortlistLink as ShortlistLink
from experts.models.tag import Tag as Tag
from experts.models.validators import FIRST_YEAR as FIRST_YEAR
from experts.models.validators import LAST_YEAR as LAST_YEAR
