"""The service that tutorials deploy: Flask, a DataFrame of one row, a scikit-learn pipeline.

Served with `gunicorn --workers 2 tutorial_service:app`. MODEL_PATH names the classifier and
DATA_PATH the rows that its encoder is fitted on again: tutorials unpickle both, which makes no
difference to what a request costs.
"""

import os

import pandas as pd
from flask import Flask, request
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

classifier = XGBClassifier()
classifier.load_model(os.environ["MODEL_PATH"])
encoder = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    remainder="passthrough",
)
encoder.fit(pd.read_csv(os.environ["DATA_PATH"]).drop(columns="default"))
app = Flask(__name__)
model = make_pipeline(encoder, classifier)


@app.post("/predict")
def predict():
    row = pd.DataFrame([request.get_json()])
    return {"probability_of_default": float(model.predict_proba(row)[0, 1])}
