"""Scores each model's example with the generated client in this folder; run in .venv-client."""

import importlib
import json
import sys

import httpx


def main(url: str) -> None:
    """Print the answer to each model's example, and to the same in a batch of two."""
    client = importlib.import_module("scoreline_client").Client(base_url=url, timeout=60)
    document = httpx.get(f"{url}/openapi.json", timeout=60).json()
    answers = {}
    for path, operations in document["paths"].items():
        operation = operations.get("post", {})
        tag, name = operation.get("tags", [""])[0], operation.get("operationId")
        if path != f"/models/{tag}/predict":
            continue
        content = operation["requestBody"]["content"]["application/json"]
        body = model(content["schema"]["$ref"]).from_dict(content["example"])
        answer = call(tag, name, client, body)
        batch_class = model(f"{tag.title().replace('-', '')}Batch")
        batch = call(
            tag,
            f"predict_batch_{name.removeprefix('predict_')}",
            client,
            batch_class.from_dict({"applications": [content["example"]] * 2}),
        )
        answers[tag] = {
            "class": type(answer).__name__,
            "answer": answer.to_dict(),
            "batch": [type(result).__name__ for result in batch.results],
        }
    print(json.dumps(answers))


def model(reference: str) -> type:
    """The class of a schema."""
    return getattr(importlib.import_module("scoreline_client.models"), reference.rpartition("/")[2])


def call(tag: str, name: str, client: object, body: object) -> object:
    """The parsed answer of an operation."""
    module = f"scoreline_client.api.{tag.replace('-', '_')}.{name}"
    return importlib.import_module(module).sync(client=client, body=body)


if __name__ == "__main__":
    main(sys.argv[1])
