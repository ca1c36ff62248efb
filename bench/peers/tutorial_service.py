"""The service that tutorials deploy: Flask, a DataFrame of one row, a pickled pipeline.

Served with `gunicorn --workers 2 tutorial_service:app`; MODEL_PATH names the pipeline.
"""

import os

import joblib
import pandas as pd
from flask import Flask, request

app = Flask(__name__)
model = joblib.load(os.environ["MODEL_PATH"])


@app.post("/predict")
def predict():
    row = pd.DataFrame([request.get_json()])
    probability = float(model.predict_proba(row)[0, 1])
    return {
        "probability_of_default": probability,
        "risk_level": "low" if probability < 0.2 else "medium" if probability < 0.4 else "high",
    }
