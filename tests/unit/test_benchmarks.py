"""The README shows the benchmarks' tables as they were written."""

from bench.readme import MARK, README, filled


def test_the_readme_shows_the_tables_of_the_results():
    text = README.read_text()

    assert len(MARK.findall(text)) >= 4
    assert filled(text) == text
