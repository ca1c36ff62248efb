"""The handler that everyone writes: onnxruntime, boto3 for S3 and SSM, and all of Powertools."""

import json
import os

import boto3
import numpy as np
import onnxruntime
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="peer")
metrics = Metrics(namespace="Peer", service="peer")
tracer = Tracer(service="peer")
app = APIGatewayRestResolver()
s3 = boto3.client("s3")
ssm = boto3.client("ssm")

stage, bucket = os.environ["SCORELINE_STAGE"], os.environ["SCORELINE_BUCKET"]
routing = ssm.get_parameter(Name=f"/scoreline/{stage}/routing")["Parameter"]["Value"]
model = json.loads(routing)["default"]
pointer = ssm.get_parameter(Name=f"/scoreline/{stage}/models/{model}")["Parameter"]["Value"]
key = f"models/{model}/{json.loads(pointer)['champion']['version']}/model.onnx"
content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
session = onnxruntime.InferenceSession(content)


@app.post("/predict")
@tracer.capture_method
def predict():
    row = np.full((1, session.get_inputs()[0].shape[1]), np.nan, np.float32)
    [probability] = session.run(["probability"], {"X": row})
    metrics.add_metric("Predictions", MetricUnit.Count, 1)
    return {"probability_of_default": float(probability[0, 0])}


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event, context):
    return app.resolve(event, context)
