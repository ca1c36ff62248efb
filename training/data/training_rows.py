"""The file of a bundle that says which rows the version was trained on, without their content."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from scoreline.core.errors import TrainingError
from scoreline.core.versions import TRAINING_ROWS_FILE
from training.data.identities import BYTES, digests
from training.data.row_keys import row_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.data.dataset import Dataset

FORMAT = 2
# Files of format 1 are rising numbers of four bytes without a header. They cannot begin like this
# archive, whose second number is smaller than its first.
_ARCHIVE = b"PK\x03\x04"
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """Keys of the rows that a version was trained on.

    Attributes
    ----------
    identity : column of the groups or ids; empty where file and position identify a row
    salt : drawn for each version, so that the keys of two versions cannot be matched
    identities : salted hashes of the rows' identities, rising; empty in format 1
    features : keys of the rows' values, rising, each once in format 1; empty where a column
        identifies the rows
    format : of the file that they were read from
    """

    identity: str = ""
    salt: bytes = b""
    identities: NDArray[np.uint64]
    features: NDArray[np.uint32]
    format: int = FORMAT

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The keys of a dataset's rows, with a new salt."""
        salt = secrets.token_bytes(_SALT_BYTES)
        features = np.empty(0, np.uint32) if dataset.identity else np.sort(row_keys(dataset.X))
        identities = np.sort(_salted(dataset.identities, salt))
        return cls(identity=dataset.identity, salt=salt, identities=identities, features=features)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a file of any format; a TrainingError where it is of a later release."""
        if not content.startswith(_ARCHIVE):
            none = np.empty(0, np.uint64)
            return cls(identities=none, features=np.frombuffer(content, "<u4"), format=1)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if file["format"] > FORMAT:
                raise TrainingError(
                    f"{TRAINING_ROWS_FILE}: format {file['format']} is newer than the {FORMAT} "
                    "that this release reads"
                )
            return cls(
                identity=str(file["identity"]),
                salt=file["salt"].tobytes(),
                identities=file["identities"],
                features=file["features"],
            )

    def to_bytes(self) -> bytes:
        """The file's content: an archive of numpy arrays, eight bytes a row, twelve without ids."""
        file = io.BytesIO()
        np.savez(
            file,
            format=np.array(FORMAT),
            identity=np.array(self.identity),
            salt=np.frombuffer(self.salt, np.uint8),
            identities=self.identities,
            features=self.features,
        )
        return file.getvalue()

    def with_identity_of(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Whether each row is one of these by its identity, shape (n_rows,)."""
        return np.isin(_salted(dataset.identities, self.salt), self.identities)

    def with_features_of(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Whether each row has the same values as one of these, shape (n_rows,)."""
        return np.isin(row_keys(dataset.X), self.features)


def _salted(identities: NDArray[np.uint64], salt: bytes) -> NDArray[np.uint64]:
    content = identities.astype("<u8").tobytes()
    parts = (content[start : start + BYTES] for start in range(0, len(content), BYTES))
    return digests(parts, salt)
