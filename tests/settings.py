"""The real settings, read in an environment of the tests' own.

pytest-django loads the settings before any conftest.py, so the environment is made here. Processes that tests start
inherit it, and with it the data folder and the database: whatever a test writes, its worker and its server see.

`tests.support.on_services` names a PostgreSQL and a Redis by TCS_TEST_DATABASE_URL and TCS_TEST_REDIS_URL.
"""

import atexit
import os
import shutil
import tempfile

_process = os.environ.get("PYTEST_XDIST_WORKER", "alone")  # each process of a parallel run has ground of its own
if os.environ.get("TCS_TESTS") != _process:  # in a process that a test started it is so already
    for name in list(os.environ):
        ours = name.startswith("TCS_") and not name.startswith("TCS_TEST_")
        if ours or name in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT"):
            del os.environ[name]  # the developer's own installation is not for tests
    for name in ("DATABASE_URL", "REDIS_URL"):
        if url := os.environ.get(f"TCS_TEST_{name}"):
            os.environ[name] = url
    _folder = tempfile.mkdtemp(prefix="tcs-tests-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ |= {"TCS_TESTS": _process, "TCS_DATA_DIR": _folder, "TCS_ENCODER": "tests.support.fakes.HashEncoder"}
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of more processes than processors, threads wait for each other

from tcs_site.settings import *  # noqa: E402, F403
from tcs_site.settings import DATABASES  # noqa: E402

os.environ["DJANGO_SETTINGS_MODULE"] = (
    "tcs_site.settings"  # for the processes that tests start: nothing but the real one
)

# A file and the same one for both: threads and other processes see what a test writes.
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # 0.3 s less for every sign-in
SERVESTATIC_USE_FINDERS = SERVESTATIC_USE_STATIC_ROOT = False  # every client would look for all static files
