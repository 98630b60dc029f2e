"""What the database knows about the index. The database is the truth; files and what processes remember follow it."""

from indexing.models import deleted_users
from indexing.models.notifications import Notification
from indexing.models.runs import RebuildRun, RunLogLine
from indexing.models.samples import DriftSample
from indexing.models.search_tests import SearchTest
from indexing.models.searches import SearchLog
from indexing.models.sign_ins import SignInCount
from indexing.models.state import IndexState
from indexing.models.synonyms import Synonym
from indexing.models.tokens import ApiToken
from indexing.models.use import ExpertUse, QueryUse
from indexing.models.versions import IndexVersion, Publication, ServingProcess

__all__ = [
    "ApiToken",
    "DriftSample",
    "ExpertUse",
    "IndexState",
    "IndexVersion",
    "Notification",
    "Publication",
    "QueryUse",
    "RebuildRun",
    "RunLogLine",
    "SearchTest",
    "SearchLog",
    "ServingProcess",
    "SignInCount",
    "Synonym",
    "deleted_users",
]
