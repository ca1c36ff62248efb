"""Trains what the peers serve: the classifiers of the Flask service and of mlflow.

`python save_models.py DATA FOLDER`
"""

import sys
from pathlib import Path

import mlflow.xgboost
import pandas as pd
from pipeline import encoder
from xgboost import XGBClassifier

TREES = {"n_estimators": 300, "max_depth": 4, "learning_rate": 0.08}

data, folder = pd.read_parquet(sys.argv[1]), Path(sys.argv[2])
X, y = data.drop(columns="default"), data["default"]
XGBClassifier(**TREES).fit(encoder().fit_transform(X), y).save_model(folder / "flask.json")

codes = X.assign(**{name: X[name].cat.codes for name in X.select_dtypes("category")})
numbers = codes.astype("float64")
classifier = XGBClassifier(**TREES).fit(numbers, y)
mlflow.xgboost.save_model(
    classifier, folder / "mlflow", model_format="json", input_example=numbers.head(1)
)
