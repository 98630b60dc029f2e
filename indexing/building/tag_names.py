"""The names of experts' tags, by the rows of a version."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import value_hashes
from indexing.snapshot.facets import FacetColumns


class TagNames:
    """Names of the tags of n experts, in the order of their ids. As arrays: tuples would take ten times as much
    memory."""

    def __init__(self, facets: FacetColumns, names: Mapping[int, str]) -> None:
        """`names` of all tags by their ids; tags that are not there no longer exist, and are left out."""
        exist = np.isin(facets.tag_ids, list(names))
        ids, places = np.unique(facets.tag_ids[exist], return_inverse=True)
        self._names = [names[tag] for tag in ids.tolist()]
        self.starts: NDArray[np.int64] = np.append(0, np.cumsum(exist))[facets.tag_starts]
        """int64[n + 1]: the tags of row i are those from starts[i] to before starts[i + 1]."""
        self.hashes: NDArray[np.uint64] = value_hashes(self._names)[places]
        """uint64[t]: a hash of each name, one row after another."""
        self._starts, self._places = array("q", self.starts.tobytes()), array("q", places.tobytes())

    def of_row(self, row: int) -> tuple[str, ...]:
        return tuple(self._names[place] for place in self._places[self._starts[row] : self._starts[row + 1]])
