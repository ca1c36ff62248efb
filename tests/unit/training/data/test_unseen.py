import pytest

from scoreline.core.errors import DatasetError
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.unseen import refuse_unlisted


def rows(tmp_path, frame, text=DEFINITION):
    frame.to_parquet(tmp_path / "data.parquet")
    return load_dataset(definition(tmp_path, text), str(tmp_path / "data.parquet"))


def test_rare_categories_may_stay_unlisted(tmp_path):
    refuse_unlisted(rows(tmp_path, applicants(2000)))  # 5 % live in the east, which is not listed


@pytest.mark.parametrize(
    ("respell", "difference"),
    [
        (lambda text: f"{text} ", "by spaces before or after the text alone"),
        (str.title, "by case or spaces alone"),
    ],
)
def test_a_column_in_another_spelling_is_refused_with_the_cause(tmp_path, respell, difference):
    frame = applicants(300)
    frame["region"] = frame["region"].map(respell, na_action="ignore")

    with pytest.raises(DatasetError, match="region: 293 of 300 rows hold a category") as error:
        refuse_unlisted(rows(tmp_path, frame))

    assert difference in error.value.message
    assert 'normalize = "case and spaces"' in error.value.message
    assert "north" not in error.value.message


def test_other_categories_are_to_be_listed(tmp_path):
    frame = applicants(300).replace({"region": {"north": "centre"}})

    with pytest.raises(DatasetError, match="list them in categories, or as category_aliases"):
        refuse_unlisted(rows(tmp_path, frame))


def test_spellings_that_are_ignored_are_listed(tmp_path):
    frame = applicants(300).replace({"region": {"north": " North "}})
    text = DEFINITION.replace(
        'unseen = "accept"', 'unseen = "accept"\nnormalize = "case and spaces"'
    )

    refuse_unlisted(rows(tmp_path, frame, text))


def test_a_few_rows_prove_nothing(tmp_path):
    frame = applicants(60)
    frame.loc[:10, "region"] = "centre"

    refuse_unlisted(rows(tmp_path, frame))
