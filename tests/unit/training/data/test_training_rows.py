import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoreline.core.errors import TrainingError
from tests.unit.training.data.test_stable_order import dataset
from training.data.identities import identities_of_ids, identities_of_places
from training.data.row_keys import row_keys
from training.data.training_rows import TrainingRows

ROWS = 40


@pytest.fixture
def rows():
    return dataset(np.random.default_rng(1), ROWS)


@pytest.fixture
def with_ids(rows):
    ids = identities_of_ids(pa.chunked_array([[f"A-{number}" for number in range(ROWS)]]))
    return replace(rows, identities=ids, identity="loan")


def stored(dataset):
    return TrainingRows.from_bytes(TrainingRows.of(dataset).to_bytes())


def test_rows_are_recognized_after_they_were_written(rows, with_ids):
    half = np.arange(0, ROWS, 2)
    expected = np.isin(np.arange(ROWS), half)

    assert (stored(rows.take(half)).with_identity_of(rows) == expected).all()
    assert (stored(with_ids.take(half)).with_identity_of(with_ids) == expected).all()
    assert stored(rows.take(half)).with_features_of(rows)[half].all()


def test_two_files_of_the_same_rows_share_no_hash_and_hold_no_id(with_ids):
    one, other = TrainingRows.of(with_ids), TrainingRows.of(with_ids)

    assert not set(one.identities.tolist()) & set(other.identities.tolist())
    assert not set(one.identities.tolist()) & set(with_ids.identities.tolist())
    assert b"A-1" not in one.to_bytes()


def test_a_row_takes_eight_bytes_with_an_id_and_twelve_without(rows, with_ids):
    def size(dataset, copies):
        return len(TrainingRows.of(dataset.take(np.tile(np.arange(ROWS), copies))).to_bytes())

    assert size(with_ids, 2) - size(with_ids, 1) == 8 * ROWS
    assert size(rows, 2) - size(rows, 1) == 12 * ROWS


@given(arrays(np.uint32, st.integers(0, 50)))
def test_files_of_the_first_format_are_read(keys):
    packed = np.unique(keys).astype("<u4").tobytes()

    found = TrainingRows.from_bytes(packed)

    assert (found.features == np.unique(keys)).all()
    assert (found.format, len(found.identities)) == (1, 0)


def test_the_first_format_recognizes_rows_by_their_values(rows):
    half = rows.take(np.arange(ROWS // 2))
    packed = np.unique(row_keys(half.X)).astype("<u4").tobytes()

    assert TrainingRows.from_bytes(packed).with_features_of(half).all()
    assert not TrainingRows.from_bytes(b"").with_features_of(half).any()


def test_a_file_of_a_later_release_is_refused_by_name():
    later = io.BytesIO()
    np.savez(later, format=np.array(3))

    with pytest.raises(TrainingError, match=r"training_rows\.bin: format 3 is newer than the 2"):
        TrainingRows.from_bytes(later.getvalue())


@pytest.mark.parametrize("text", ["17", " 17", "17.0", "17.00 "])
def test_one_id_reads_alike_as_a_number_and_as_text(text):
    number, other = identities_of_ids(pa.chunked_array([["17"], [text]]))

    assert number == other


@pytest.mark.parametrize("text", ["017", "17.5", "-17", "A17", ""])
def test_other_ids_stay_apart(text):
    number, other = identities_of_ids(pa.chunked_array([["17", text]]))

    assert number != other


def test_places_differ_between_files_and_within_one():
    a, b = "a1" * 32, "b2" * 32

    places = identities_of_places([(a, 100), (b, 100)])

    assert len(set(places.tolist())) == 200
    assert (identities_of_places([(b, 60)]) == places[100:160]).all()
