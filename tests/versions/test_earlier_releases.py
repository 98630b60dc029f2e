"""An installation of an earlier release is served by this one: database and versions as that release wrote them.

tests/versions/releases/ holds data folders with five experts and one version, built with `HashEncoder` by the code of
those days: `before_suggestions` from before versions had suggest.npz, `format_1` from the last days of format 1.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexing.snapshot.manifest import FORMAT, MANIFEST_NAME, Manifest
from tests.support import cast
from tests.support.server import Server, Site, said_until
from tests.support.services import free_port
from tests.support.waiting import until

RELEASES = Path(__file__).with_name("releases")


@contextmanager
def served(name: str, folder: Path) -> Iterator[Server]:
    """A copy of the installation after `make run` with today's code."""
    with tarfile.open(RELEASES / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    encoder = "tests.support.fakes.HashEncoder"
    site = Site(folder, {"TCS_ENCODER": encoder, "TCS_ADMIN_PASSWORD": cast.PASSWORD})
    port = free_port()
    process = site.start("serve", "--port", str(port))
    try:
        assert "Preparing the database." in said_until(process, "TCS is at")
        yield Server(site, port, process)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def format_of(folder: Path, number: int) -> int:
    return Manifest.from_bytes((folder / "versions" / f"{number:06d}" / MANIFEST_NAME).read_bytes()).format


def test_a_version_of_the_format_before_is_searched_as_it_is(tmp_path):
    with served("format_1", tmp_path) as server, server.client("admin") as admin:
        server.wait_for_version(1)
        found = admin.get("/api/search", params={"q": "expert-002"}).json()
        assert (found["version"], found["hits"][0]["expert"]["username"]) == (1, "expert-002")
        refused = admin.get("/api/search", params={"q": "expert-002", "country": "NL"})
        assert "built before TCS could filter by country" in refused.json()["fields"]["country"]
    assert format_of(tmp_path, 1) == 1


def test_a_version_that_lacks_a_file_is_refused_until_the_next_rebuild(tmp_path):
    """Everything else goes on, its files stay, and its vectors are used again."""
    with served("before_suggestions", tmp_path) as server, server.client("admin") as admin:
        sentence = "built by an earlier release of TCS, which did not write suggest.npz. Rebuild the index"
        until(lambda: sentence in server.get("/readyz").text)
        assert admin.get("/api/search", params={"q": "bread"}).status_code == 503
        assert admin.get("/api/admin/ingest/status").json()["expert_count_at_rebuild"] == 5
        run = admin.post("/api/admin/ingest/run").raise_for_status().json()["run"]
        server.wait_for_version(2)
        assert admin.get(f"/api/admin/ingest/runs/{run}").json()["reused"] == 5
        assert admin.get("/api/search", params={"q": "expert-002"}).json()["version"] == 2
    assert (format_of(tmp_path, 1), format_of(tmp_path, 2)) == (1, FORMAT)
