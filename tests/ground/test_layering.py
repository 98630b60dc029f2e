"""Which package may import which, read from the imports themselves. docs/architecture.md explains the layers."""

from __future__ import annotations

from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from django.conf import settings

from tests.ground import imports as tree
from tests.ground.imports import Import, reachable, within
from tests.ground.layers import against_the_layers, package_of

BUILDERS = ("indexing.building", "indexing.worker", "indexing.embedding_map.layout")
"""What makes versions and maps: web processes never import it."""
MAY_BUILD = ("indexing.worker", "indexing.management.commands")

HEAVY_LIBRARIES = {
    # a library that takes long to import or much memory: the only modules that import it
    "faiss": {"indexing.snapshot.vectors", "indexing.snapshot.list_index"},
    "tantivy": {
        "indexing.snapshot.keyword_index",
        "indexing.snapshot.keyword_query",
        "indexing.snapshot.keyword_schema",
        "indexing.snapshot.languages",
        "indexing.snapshot.near_words",
        "indexing.snapshot.text_analysis",
        "indexing.snapshot.word_statistics",
    },
    "pymilvus": {"indexing.snapshot.milvus_client", "indexing.snapshot.milvus_engine"},
    "py3langid": {"indexing.building.languages"},
    "torch": {"indexing.encoders.devices", "indexing.encoders.torch_encoder", "indexing.encoders.onnx_graph"},
    "sentence_transformers": {"indexing.encoders.torch_encoder"},
    "onnxruntime": {"indexing.encoders.onnx_runtime"},
    "openTSNE": {"indexing.embedding_map.layout.tsne"},
    "distributed": {"indexing.building.dask_encoding"},
}

INSIDE_FUNCTIONS = {
    # module: what it imports inside a function, and why
    "indexing.encoders.torch_encoder": {
        "torch",
        "sentence_transformers",
        "transformers",
        "safetensors",
    },  # seconds, hundreds of MB
    "indexing.encoders.devices": {"torch"},
    "indexing.snapshot.milvus_client": {"pymilvus", "grpc"},  # half a second, and few need it
    "indexing.snapshot.milvus_engine": {"pymilvus"},
    "indexing.encoders.onnx_graph": {"torch", "transformers"},
    "indexing.encoders.onnx_compact": {"onnx"},  # only installed where versions are built
    "indexing.building.dask_encoding": {"distributed"},  # a second, and only installed where it is used
    "indexing.embedding_map.layout.tsne": {"openTSNE"},  # half of a worker's start, and not needed for few experts
}


@cache
def modules() -> dict[str, Path]:
    return tree.modules_of(Path(settings.BASE_DIR))


@cache
def imports() -> tuple[Import, ...]:
    return tree.imports_of(modules())


def family_of(name: str) -> str:
    """The family of pages within the console that a module belongs to; "" for what all of them share."""
    parts = name.split(".")
    return parts[2] if within(name, "indexing.console") and ".".join(parts[:3]) in packages_of_the_console() else ""


def packages_of_the_console() -> set[str]:
    return {
        name
        for name, path in modules().items()
        if path.name == "__init__.py" and name.startswith("indexing.console.") and name.count(".") == 2
    }


def sentences(wrong: list[Import]) -> list[str]:
    return [f"{each.by} imports {each.what}" for each in wrong]


def test_the_imports_are_found():
    assert len(modules()) > 60
    assert Import("tcs_site.urls", "indexing.api", inside=False, typing_only=False) in imports()
    assert any(each.what == "torch" and each.inside for each in imports())


def test_every_module_has_its_place_in_the_layers():
    without = {name for name in modules() if not package_of(name)} - {"indexing"}
    assert without == set()


def test_a_package_imports_only_from_the_layers_below_it():
    assert sentences(against_the_layers(imports())) == []


def building_in_the_web() -> list[Import]:
    return [
        each
        for each in imports()
        for builder in BUILDERS
        if within(each.what, builder)
        and not within(each.by, builder)
        and not any(within(each.by, may) for may in MAY_BUILD)
    ]


def test_only_the_worker_and_commands_build():
    assert sentences(building_in_the_web()) == []


def between_families() -> list[Import]:
    return [
        each
        for each in imports()
        if (importer := family_of(each.by))
        and (imported := family_of(each.what))
        and importer != imported
        and not is_an_exception(each)
    ]


def is_an_exception(each: Import) -> bool:
    """The live page sends what the others present and log lines; a run's presentation shows the version it made."""
    if family_of(each.by) == "live_page":
        return each.what.endswith(".presentation") or each.what == "indexing.console.runs.log_pages"
    return each.by == "indexing.console.runs.presentation" and each.what in (
        "indexing.console.versions.presentation",
        "indexing.console.versions.gate_report",
    )


def test_a_family_of_pages_imports_no_other():
    assert sentences(between_families()) == []


def test_of_what_the_families_share_only_the_urls_import_families():
    wrong = [
        each
        for each in imports()
        if within(each.by, "indexing.console")
        and not family_of(each.by)
        and family_of(each.what)
        and each.by != "indexing.console.urls"
    ]
    assert sentences(wrong) == []


def test_the_files_of_a_version_load_nothing_of_django():
    """Also not through what they import, so that a version can be read where no Django is set up."""
    wrong: set[str] = set()
    for name in modules():
        if within(name, "indexing.snapshot"):
            chains = reachable(name, modules(), imports())
            wrong |= {" -> ".join(chain) for what, chain in chains.items() if within(what, "django")}
    assert wrong == set()


@pytest.mark.parametrize("library", HEAVY_LIBRARIES)
def test_a_heavy_library_has_few_importers(library):
    importers = {each.by for each in imports() if within(each.what, library) and not each.typing_only}
    assert importers == HEAVY_LIBRARIES[library]


def test_imports_stand_at_the_top_of_their_module():
    wrong = [
        each
        for each in imports()
        if each.inside and each.what.partition(".")[0] not in INSIDE_FUNCTIONS.get(each.by, set())
    ]
    assert sentences(wrong) == []


def test_no_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        if not each.typing_only and each.what in graph and each.what != each.by:
            graph[each.by].add(each.what)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
