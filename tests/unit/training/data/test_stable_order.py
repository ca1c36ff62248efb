import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.data.dataset import Dataset
from training.data.stable_order import in_stable_order


def dataset(rng, rows, labels=1):
    y = rng.integers(0, 2, (rows, labels)).astype(np.int8)
    return Dataset(
        X=rng.choice(np.array([0, 1, np.nan], np.float32), (rows, 2)),
        y=y[:, 0] if labels == 1 else y,
        time=rng.integers(0, 3, rows).astype(np.float64),
        protected={"sex": rng.choice(["f", "m"], rows)},
        rows_read=rows,
        exclusions={},
        unseen={},
        no_amount={},
        fingerprint="",
        rows=np.arange(rows),
        late={},
        identities=np.arange(rows, dtype=np.uint64),
    )


@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_rows_come_in_one_order_from_every_order_of_the_file(seed, labels):
    rng = np.random.default_rng(seed)
    drawn = dataset(rng, 40, labels)

    one, other = in_stable_order(drawn), in_stable_order(drawn.take(rng.permutation(40)))

    assert one.X.tobytes() == other.X.tobytes()
    assert (one.y == other.y).all()
    assert (one.time == other.time).all()
    assert (one.protected["sex"] == other.protected["sex"]).all()
