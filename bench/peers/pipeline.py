"""The first step of the pipeline that the Flask service has."""

from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.preprocessing import OneHotEncoder


def encoder() -> ColumnTransformer:
    """Categories as indicators, numbers as they are."""
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        remainder="passthrough",
    )
