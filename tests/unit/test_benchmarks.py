"""The pages show the benchmarks' tables as they were written, and name the processor of each."""

import pytest

from bench.pages import MARK, PAGES, filled


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_the_tables_of_the_results(page):
    text = page.read_text()

    assert MARK.findall(text)
    assert filled(text) == text
    assert text.count("Measured on ") >= len(MARK.findall(text))
