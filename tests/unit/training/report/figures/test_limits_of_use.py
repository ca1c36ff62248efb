from dataclasses import replace

import numpy as np

from tests.sample import definition
from tests.unit.training.data.test_stable_order import dataset
from training.report.figures.limits_of_use import limits_of_use


def test_intervals_are_too_narrow_where_test_rows_belong_together(tmp_path):
    rows = dataset(np.random.default_rng(1), 40)
    alone, pairs = (replace(rows, unit=np.arange(40).astype(np.uint64) // n) for n in (1, 2))

    found = [" ".join(limits_of_use(definition(tmp_path), part)) for part in (rows, alone, pairs)]

    assert ["narrower than they should be" in text for text in found] == [False, False, True]
