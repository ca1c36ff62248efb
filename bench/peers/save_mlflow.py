"""Writes the model that `mlflow models serve` serves: XGBoost in its own format, no pickle."""

import sys

import mlflow.xgboost
import pandas as pd
from xgboost import XGBClassifier

data, folder = pd.read_parquet(sys.argv[1]), sys.argv[2]
for name in data.select_dtypes("category"):
    data[name] = data[name].cat.codes
X, y = data.drop(columns="default").astype("float64"), data["default"]
model = XGBClassifier(n_estimators=300, max_depth=4, learning_rate=0.08).fit(X, y)
mlflow.xgboost.save_model(model, folder, model_format="json", input_example=X.head(1))
