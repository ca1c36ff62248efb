"""Trains what the peers serve: a pickled pipeline for Flask, a model in its own format for mlflow.

`python save_models.py DATA FOLDER`
"""

import sys
from pathlib import Path

import joblib
import mlflow.xgboost
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

TREES = {"n_estimators": 300, "max_depth": 4, "learning_rate": 0.08}

data, folder = pd.read_parquet(sys.argv[1]), Path(sys.argv[2])
X, y = data.drop(columns="default"), data["default"]
encode = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    remainder="passthrough",
)
joblib.dump(make_pipeline(encode, XGBClassifier(**TREES)).fit(X, y), folder / "model.pkl")

codes = X.assign(**{name: X[name].cat.codes for name in X.select_dtypes("category")})
numbers = codes.astype("float64")
classifier = XGBClassifier(**TREES).fit(numbers, y)
mlflow.xgboost.save_model(
    classifier, folder / "mlflow", model_format="json", input_example=numbers.head(1)
)
