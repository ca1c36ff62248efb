import numpy as np

from training.report.figures.groups import periods


def instants(*dates):
    return np.array(dates, "datetime64[us]").astype("int64").astype(float)


def test_months_where_the_years_are_few():
    time = instants("2024-11-30", "2024-12-01", "2025-01-15", "2025-01-16")

    found = {name: rows.tolist() for name, rows in periods(time, dated=True)}

    assert list(found) == ["2024-11", "2024-12", "2025-01"]
    assert found["2025-01"] == [False, False, True, True]


def test_many_months_are_put_together():
    time = instants(*(f"{2023 + month // 12}-{month % 12 + 1:02}-10" for month in range(24)))

    found = [name for name, _ in periods(time, dated=True)]

    assert found[0] == "2023-01 to 2023-02"
    assert len(found) == 12


def test_numbers_are_periods_of_their_own_or_ranges():
    few = [name for name, _ in periods(np.array([3.0, 1, 2]), dated=False)]
    many = list(periods(np.arange(600.0), dated=False))

    assert few == ["1", "2", "3"]
    assert many[0][0] == "under 100"
    assert [int(rows.sum()) for _, rows in many] == [100] * 6
