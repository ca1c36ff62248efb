"""The practical floor with the Python binding: it imports onnxruntime and opens the session."""

import os
from pathlib import Path

import onnxruntime

session = onnxruntime.InferenceSession(Path(os.environ["MODEL_PATH"]).read_bytes())


def lambda_handler(event, _context):
    return {"statusCode": 200, "body": str(len(session.get_inputs()))}
