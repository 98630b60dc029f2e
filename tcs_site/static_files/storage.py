"""Where prepared static files are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import brotli
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from servestatic.compress import Compressor
from servestatic.storage import CompressedManifestStaticFilesStorage

from tcs_site.static_files.bundles import BUNDLES, joined

QUALITY = 9


def without_source_maps(patterns: Any) -> Any:
    """What Django looks for in files to put hashes in, but for the source maps, which nobody serves."""
    return tuple(
        (kind, tuple(each for each in wanted if "sourceMappingURL" not in str(each))) for kind, wanted in patterns
    )


class QuickCompressor(Compressor):
    """Brotli's best takes fifteen times as long, for files that are a tenth smaller."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=QUALITY))


class BundlingStorage(CompressedManifestStaticFilesStorage):
    """Adds the bundles to what was collected. Each file gets a copy with a hash in its name, and all are compressed.

    Modules of the map import each other by their plain names: Django mistakes some of their text for imports.
    """

    patterns = without_source_maps(ManifestStaticFilesStorage.patterns)

    def create_compressor(self, **options: Any) -> Compressor:
        return QuickCompressor(**options)

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        for name, sources in BUNDLES.items():
            contents = []
            for source in sources:
                with self.open(source) as file:
                    contents.append(file.read().decode())
            self.delete(name)
            self._save(name, ContentFile(joined(name, contents).encode()))
            paths[name] = (self, name)
        yield from super().post_process(paths, **options)
