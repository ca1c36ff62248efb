from training.gates.test_sets import MAX_COUNTED, count_version


def test_only_the_latest_test_sets_are_counted():
    counts = {}
    for number in range(MAX_COUNTED + 5):
        counts = count_version(counts, f"t{number}")
        counts = count_version(counts, "often")

    assert len(counts) == MAX_COUNTED
    assert counts["often"] == MAX_COUNTED + 5
    assert "t0" not in counts
