"""The service that tutorials deploy: Flask, a DataFrame of one row, a scikit-learn pipeline.

Served with `gunicorn --workers 2 tutorial_service:app`. MODEL_PATH names the classifier and
DATA_PATH the rows that its encoder is fitted on again: tutorials unpickle both, which takes nothing
from what a request costs.
"""

import os

import pandas as pd
from flask import Flask, request
from pipeline import encoder
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier

classifier = XGBClassifier()
classifier.load_model(os.environ["MODEL_PATH"])
fitted = encoder().fit(pd.read_parquet(os.environ["DATA_PATH"]).drop(columns="default"))
app = Flask(__name__)
model = make_pipeline(fitted, classifier)


@app.post("/predict")
def predict():
    row = pd.DataFrame([request.get_json()])
    probability = float(model.predict_proba(row)[0, 1])
    return {
        "probability_of_default": probability,
        "risk_level": "low" if probability < 0.2 else "medium" if probability < 0.4 else "high",
    }
