"""Settings of the index: how it is built, searched, checked and compared with the directory."""

import os

from tcs_site import environment as env

env.section("Model and building")
TCS_MODEL_PATH = env.text(
    "TCS_MODEL_PATH", about="Folder of a sentence-transformers model", shown="the packaged all-MiniLM-L6-v2"
)
TCS_QUERY_PROMPT = env.prefix(
    "TCS_QUERY_PROMPT",
    about="Put before queries and tags, for a model that needs it and whose files hold none (E5: `query: `)",
)
TCS_DOCUMENT_PROMPT = env.prefix("TCS_DOCUMENT_PROMPT", about="The same before profiles (E5: `passage: `)")
TCS_ENCODER = env.text(
    "TCS_ENCODER",
    "indexing.encoders.ModelEncoder",
    about="Dotted path of the encoder class",
)
TCS_DEVICE = env.choice(
    "TCS_DEVICE",
    "auto",
    ("auto", "cpu", "cuda", "mps"),
    about="What many profiles are encoded on: `cpu`, a graphics card (`cuda`), Apple's (`mps`), or `auto`: a card if "
    "torch finds one",
)
TCS_ENCODE = env.dask_address(
    "TCS_ENCODE",
    about="Dask scheduler whose workers encode profiles, such as `dask://scheduler:8786`, or `tls://scheduler:8786` "
    "with certificates; empty: the machine that builds",
)
TCS_WORKER = env.choice(
    "TCS_WORKER",
    "subprocess",
    ("subprocess", "external"),
    about="`external`: only `manage.py index_worker` processes build versions",
)
# One processor stays free: a search that wakes up finds it at once, where low priority alone lets it wait for the end
# of a time slice, several times over.
TCS_WORKER_THREADS = env.integer(
    "TCS_WORKER_THREADS",
    max((os.cpu_count() or 1) - 1, 1),
    at_least=1,
    about="Threads of a worker that is started for a run; more build faster, but slow down searches meanwhile",
    shown="all processors but one",
)
TCS_WORKER_PROCESSES = env.integer(
    "TCS_WORKER_PROCESSES",
    1,
    at_least=1,
    about="Processes in which a build encodes, each with a model of its own and a part of the threads; for more than "
    "about sixteen processors",
)
TCS_KEEP_VERSIONS = env.integer(
    "TCS_KEEP_VERSIONS", 5, at_least=1, about="Versions to keep, with the live one; pinned ones are kept in addition"
)
TCS_VERSIONS_URL = env.bucket(
    "TCS_VERSIONS_URL",
    about="Bucket for versions, `s3://bucket/prefix`, for machines that share no data folder; its address and keys "
    "by the usual `AWS_…` variables",
)
TCS_LEASE_SECONDS = env.number(
    "TCS_LEASE_SECONDS", 60, at_least=2, about="Seconds without a heartbeat after which a run counts as crashed"
)
TCS_EXACT_UP_TO = env.integer(
    "TCS_EXACT_UP_TO",
    50_000,
    about="Passages (one for a short profile, more for a long one) up to which search by meaning is exact; beyond, "
    "it is approximate",
)
TCS_VECTORS = env.choice(
    "TCS_VECTORS",
    "files",
    ("files", "milvus"),
    about="Where the vectors of new versions are searched: in their files, or in Milvus",
)
TCS_MILVUS_URI = env.text("TCS_MILVUS_URI", about="Address of Milvus, such as `http://milvus:19530/tcs`")
TCS_MILVUS_TOKEN = env.text("TCS_MILVUS_TOKEN", about="`user:password` or a token, if Milvus needs one")
TCS_TAG_THRESHOLD = env.number(
    "TCS_TAG_THRESHOLD", 0.30, about="Similarity from which an expert gets a tag, from 0 to 1"
)

env.section("Search")
# How hybrid search weighs meaning and words: see indexing/search/fusion.py and its constants.
# One retrieval gives the hits, the number of matches and the counts beside the filters: 500 of each list are enough
# to count the strong matches of most queries.
TCS_SEARCH_SEMANTIC_DEPTH = env.integer(
    "TCS_SEARCH_SEMANTIC_DEPTH", 500, at_least=1, about="Experts by meaning that a search considers and counts"
)
TCS_SEARCH_KEYWORD_DEPTH = env.integer(
    "TCS_SEARCH_KEYWORD_DEPTH", 500, at_least=1, about="Experts by words that a search considers and counts"
)

env.section("Approval and the gate")
# A version must pass the gate before it is published. One that breaks a rule is held for a person to decide.
TCS_APPROVE = env.choice(
    "TCS_APPROVE",
    "never",
    ("never", "always"),
    about="`always`: somebody other than who requested the run must publish each version",
)
TCS_GATE_MIN_EXPERTS = env.integer("TCS_GATE_MIN_EXPERTS", 1, about="A version with fewer experts is held")
TCS_GATE_MAX_LOST = env.share(
    "TCS_GATE_MAX_LOST", 0.10, about="Share of the live version's experts that a new version may lack"
)
TCS_GATE_MAX_WITHOUT_TEXT = env.share(
    "TCS_GATE_MAX_WITHOUT_TEXT", 0.50, about="Share of experts that may have neither job title, company nor bio"
)
TCS_GATE_MAX_FAILED = env.share(
    "TCS_GATE_MAX_FAILED", 0.0, about="Share of experts that may be left out because the model gave no usable vector"
)
TCS_GATE_MIN_RECALL = env.share(
    "TCS_GATE_MIN_RECALL", 0.95, about="Share of the true ten nearest that an approximate index must find (recall@10)"
)
TCS_GATE_MAX_QUERIES_BROKEN = env.integer("TCS_GATE_MAX_QUERIES_BROKEN", 0, about="Search tests that may fail")
TCS_GATE_MAX_SCORE_FALL = env.share(
    "TCS_GATE_MAX_SCORE_FALL",
    0.05,
    about="Share by which the search tests' score may fall; a warning with fewer than ten tests",
)
TCS_GATE_MIN_OVERLAP = env.share(
    "TCS_GATE_MIN_OVERLAP", 0.50, about="Share of the search tests' top ten that should stay; below it, a warning"
)

env.section("Drift")
# Drift: changes in the directory since the live version was built. Shares are of that version's experts.
TCS_DRIFT_CURRENT = env.share(
    "TCS_DRIFT_CURRENT", 0, about="Share of changed experts up to which the index is *current*"
)
TCS_DRIFT_CURRENT_DAYS = env.number(
    "TCS_DRIFT_CURRENT_DAYS", 7, about="Age in days up to which the index is *current*"
)
TCS_DRIFT_STALE = env.share(
    "TCS_DRIFT_STALE", 0.10, about="Share from which the index is *stale*; in between it is *drifting*"
)
TCS_DRIFT_STALE_DAYS = env.number("TCS_DRIFT_STALE_DAYS", 30, about="Age in days from which the index is *stale*")
