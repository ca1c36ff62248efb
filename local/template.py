"""`template.yaml` for the local stack: resources with their names, functions, routes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE_PATH = Path(__file__).with_name("template.yaml")  # a link to the repository's own
NAME_PROPERTIES = {
    "AWS::DynamoDB::Table": ("dynamodb", "table/", "TableName"),
    "AWS::Events::Rule": ("events", "rule/", "Name"),
    "AWS::Lambda::Function": ("lambda", "function:", "FunctionName"),
    "AWS::Serverless::Function": ("lambda", "function:", "FunctionName"),
    "AWS::SQS::Queue": ("sqs", "", "QueueName"),
    "AWS::SSM::Parameter": ("ssm", "parameter", "Name"),
}


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function of the template."""

    logical_id: str
    name: str
    handler: str
    memory_mb: int
    timeout_s: int
    is_image: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the REST API: the function that answers it, and how callers authenticate."""

    method: str
    path: str
    function: Function
    auth: str


@dataclass(frozen=True)
class Template:
    """The template of one stage in one account."""

    document: dict[str, Any]
    stage: str
    account: str
    region: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, *, stage: str, account: str, region: str, path: Path = TEMPLATE_PATH) -> Template:
        """Read the template with the defaults of its parameters."""
        from local.cloudformation import read_yaml  # the command line rarely needs YAML

        document = read_yaml(path)
        defaults = {name: p.get("Default") for name, p in document["Parameters"].items()}
        return cls(document, stage, account, region, {**defaults, "Stage": stage})

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of all resources of a type, by logical id."""
        return {
            logical_id: self._resolve(resource["Properties"])
            for logical_id, resource in self.document["Resources"].items()
            if resource["Type"] == kind
        }

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that all functions have."""
        variables = self.document["Globals"]["Function"]["Environment"]["Variables"]
        return {name: str(value) for name, value in self._resolve(variables).items()}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Functions by logical id."""
        return {
            logical_id: Function(
                logical_id=logical_id,
                name=properties["FunctionName"],
                handler=properties.get("Handler") or properties["ImageConfig"]["Command"][0],
                memory_mb=int(properties["MemorySize"]),
                timeout_s=properties["Timeout"],
                is_image=properties.get("PackageType") == "Image",
            )
            for logical_id, properties in self.resources("AWS::Serverless::Function").items()
        }

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every route of the REST API, in the order of the template."""
        [api] = self.resources("AWS::Serverless::Api").values()
        default_auth = api["Auth"]["DefaultAuthorizer"]
        return tuple(
            Route(
                method=event["Method"].upper(),
                path=event["Path"],
                function=function,
                auth=_auth(event.get("Auth", {}), default_auth),
            )
            for function, event in self.events("Api")
        )

    def events(self, kind: str) -> Iterator[tuple[Function, dict[str, Any]]]:
        """Each function with the properties of each of its events of a type."""
        for logical_id, properties in self.resources("AWS::Serverless::Function").items():
            for event in properties["Events"].values():
                if event["Type"] == kind:
                    yield self.functions[logical_id], event["Properties"]

    def queue_of(self, function: Function) -> str:
        """Name of the queue that feeds a function."""
        [event] = (event for fed, event in self.events("SQS") if fed == function)
        return str(event["Queue"].rpartition(":")[2])

    def _resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"Ref"}:
            return self._ref(node["Ref"])
        if node.keys() == {"Fn::GetAtt"}:
            return self._ref(node["Fn::GetAtt"])
        if node.keys() == {"Fn::Sub"}:
            return re.sub(r"\$\{([^}]+)\}", lambda m: str(self._ref(m[1])), node["Fn::Sub"])
        return {key: self._resolve(value) for key, value in node.items()}

    def _ref(self, name: str) -> Any:
        pseudo = {"AccountId": self.account, "Region": self.region, "Partition": "aws"}
        if name.startswith("AWS::"):
            return pseudo[name.removeprefix("AWS::")]
        if name in self.parameters:
            return self.parameters[name]
        logical_id, _, attribute = name.partition(".")
        resource = self.document["Resources"][logical_id]
        if resource["Type"] == "AWS::S3::Bucket":
            bucket = self._resolve(resource["Properties"]["BucketName"])
            return f"arn:aws:s3:::{bucket}" if attribute else bucket
        if resource["Type"] not in NAME_PROPERTIES:
            return name
        service, prefix, name_property = NAME_PROPERTIES[resource["Type"]]
        physical = self._resolve(resource["Properties"][name_property])
        if not attribute:
            return physical
        return f"arn:aws:{service}:{self.region}:{self.account}:{prefix}{physical}"


def _auth(auth: dict[str, Any], default: str) -> str:
    if auth.get("ApiKeyRequired"):
        return "api-key"
    return {"NONE": "open", "AWS_IAM": "iam"}[auth.get("Authorizer", default)]
