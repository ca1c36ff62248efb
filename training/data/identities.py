"""Numbers that tell the rows of a dataset apart: digests of their ids, or of their places.

A digest of a short id can be found by trying all ids, so these numbers stay in memory. What is
written is hashed again with a salt, see `training.data.training_rows`.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from scoreline.arrow.columns import NULLS, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

BYTES = 8  # two of ten million rows share a number with a probability of 3 in a million
_WHOLE = re.compile(r"(-?\d+)\.0+")


def identities_of_ids(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A digest of each id, shape (n_rows,); the number 17, "17" and " 17.0 " are one id."""
    return _joined(
        digests(plain_id(text).encode() for text in chunk.to_pylist())
        for chunk in as_text(ids).chunks
    )


def plain_ids(ids: pa.ChunkedArray) -> NDArray[np.object_]:
    """Each id in the form in which ids are compared, empty where it is missing."""
    return np.array([plain_id(text) for text in as_text(ids).to_pylist()], object)


def plain_id(text: str | None) -> str:
    """An id as it reads in a file of text; empty where it is missing.

    Examples
    --------
    >>> plain_id(" 17.0"), plain_id("017"), plain_id("NULL")
    ('17', '017', '')
    """
    stripped = (text or "").strip()
    whole = _WHOLE.fullmatch(stripped)
    return "" if stripped in NULLS else whole[1] if whole else stripped


def identities_of_places(files: Iterable[tuple[str, int]]) -> NDArray[np.uint64]:
    """A number for each row's file and its position there, shape (n_rows,).

    Parameters
    ----------
    files : SHA-256 and number of rows of each file, in the order in which they were read
    """
    # The digest's first bytes plus the position: two files overlap only by a coincidence.
    return _joined(
        np.arange(count, dtype=np.uint64) + np.uint64(int(sha256[: 2 * BYTES], 16))
        for sha256, count in files
    )


def digests(contents: Iterable[bytes], key: bytes = b"") -> NDArray[np.uint64]:
    """The BLAKE2b digest of each content as a number."""
    joined = b"".join(blake2b(content, digest_size=BYTES, key=key).digest() for content in contents)
    return np.frombuffer(joined, "<u8")


def _joined(parts: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate([np.empty(0, np.uint64), *parts])
