"""The service that tutorials deploy: Flask, a DataFrame of one row, a scikit-learn pipeline.

Served with `gunicorn --workers 2 tutorial_service:app`; PEER_DATA names its training data.
"""

import os

import pandas as pd
from flask import Flask, request
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

app = Flask(__name__)
data = pd.read_parquet(os.environ["PEER_DATA"])
X, y = data.drop(columns="default"), data["default"]
encode = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    remainder="passthrough",
)
classify = XGBClassifier(n_estimators=300, max_depth=4, learning_rate=0.08)
model = make_pipeline(encode, classify).fit(X, y)


@app.post("/predict")
def predict():
    row = pd.DataFrame([request.get_json()])[list(X.columns)]
    probability = float(model.predict_proba(row)[0, 1])
    return {
        "probability_of_default": probability,
        "risk_level": "low" if probability < 0.2 else "medium" if probability < 0.4 else "high",
    }
