from string import whitespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.categories import CategoryCodes
from scoreline.core.features import UNSEEN_CATEGORY, Feature

PROVINCES = ("LERIDA", "BALEARS, ILLES", "RIOJA, LA", "STRASSE")


def codes(*categories, **options):
    return CategoryCodes(Feature("region", "category", categories=categories, **options))


def province(**options):
    return codes(*PROVINCES, **options)


def test_without_normalisation_only_the_listed_spelling_is_known():
    assert province().code("BALEARS, ILLES") == 1
    for text in ("Balears, Illes", "BALEARS,  ILLES", "BALEARS, ILLES "):
        assert province().code(text) == UNSEEN_CATEGORY


@pytest.mark.parametrize(
    "text", ["BALEARs, ILLES", " balears,  illes ", "Balears,\tIlles\n", "BALEARS,\u00a0ILLES"]
)
def test_normalised_categories_are_compared_without_case_and_extra_spaces(text):
    assert province(normalize="case and spaces").code(text) == 1


def test_case_is_folded_and_not_only_lowered():
    assert province(normalize="case and spaces").code("straße") == 3


def test_an_alias_is_another_spelling_of_a_listed_category():
    found = province(category_aliases={"LLEIDA": "LERIDA"})

    assert found.code("LLEIDA") == found.code("LERIDA") == 0
    assert found.code("lleida") == UNSEEN_CATEGORY
    both = province(category_aliases={"LLEIDA": "LERIDA"}, normalize="case and spaces")
    assert both.code(" lleida") == 0


@pytest.mark.parametrize(
    ("categories", "numbers"),
    [
        (("0", "1"), {0: 0, 1: 1}),
        (("-1", "7", "10"), {-1: 0, 7: 1, 10: 2}),
        (("0", "1", "unknown"), {}),
        (("01", "02"), {}),
        (("0.5", "1"), {}),
        (("+1", "2"), {}),
        (("-0", "1"), {}),
        (("1 ", "2"), {}),
        (("١", "2"), {}),
    ],
)
def test_numbers_are_known_where_all_categories_are_whole_numbers(categories, numbers):
    assert codes(*categories).numbers == numbers


@pytest.mark.parametrize(
    ("text", "code"), [("1", 1), ("1.0", 1), ("0.00", 0), ("-0.0", 0), ("1.5", -1), ("01.0", -1)]
)
def test_a_cell_of_a_file_may_write_a_whole_number_with_decimal_zeros(text, code):
    assert codes("0", "1").code_of_cell(text) == code
    assert codes("0", "1").code("1.0") == UNSEEN_CATEGORY
    assert codes("0", "1", "none").code_of_cell("1.0") == UNSEEN_CATEGORY


def test_an_alias_that_is_a_whole_number_is_taken_as_a_number_too():
    found = codes("1", "2", category_aliases={"0": "2", "no": "1"})

    assert found.numbers == {1: 0, 2: 1, 0: 1}
    assert found.code("0") == found.code_of_cell("0.0") == 1


def test_a_spelling_that_is_listed_comes_before_the_number_that_it_could_be():
    found = codes("1", "2", category_aliases={"1.0": "2"})

    assert found.code_of_cell("1.0") == found.code("1.0") == 1


def test_a_normalised_cell_may_have_spaces_around_its_number():
    found = codes("1", "2", normalize="case and spaces")

    assert found.code_of_cell(" 2.0 ") == found.code(" 2 ") == 1


def test_a_number_of_thousands_of_digits_is_a_text():
    digits = "1" * 5000

    assert codes("1", "2").code_of_cell(f"{digits}.0") == UNSEEN_CATEGORY
    assert codes("1", digits).numbers == {}


spaces = st.text(whitespace, min_size=1, max_size=3)


@given(st.sampled_from(PROVINCES), st.sampled_from([str.upper, str.lower, str.title]), spaces)
def test_any_case_and_any_spaces_give_the_code_of_the_category(category, change, space):
    text = space + space.join(change(category).split(" ")) + space

    assert province(normalize="case and spaces").code(text) == PROVINCES.index(category)


@given(st.text())
def test_a_text_is_blank_or_has_a_code(text):
    for found in (province(), province(normalize="case and spaces")):
        assert found.code(text) in (UNSEEN_CATEGORY, 0, 1, 2, 3)
        assert not (found.is_blank(text) and text.strip())
