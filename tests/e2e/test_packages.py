"""The zips as they are built: what is in them, what importing them loads, what they answer."""

import importlib.util
import json
import marshal
import os
import re
import struct
import subprocess
import sys

import pytest

from local.template import ROOT
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.files import shipped_models
from scoreline.scoring.model import ScoringModel
from tests.sample import APPLICATION, bundle

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FUNCTIONS = ["predict", "admin"]
BUDGET_MB = {"predict": 33, "admin": 13}
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine of ELF
HANDLERS = {"predict": "functions.predict.handler", "admin": "functions.admin.handler"}
THIRD_PARTY = {
    "predict": {"aws_lambda_powertools", "jmespath", "snapshot_restore_py", "typing_extensions"},
    "admin": {
        *("aws_lambda_powertools", "jmespath", "typing_extensions"),
        *("boto3", "botocore", "certifi", "dateutil", "s3transfer", "six", "urllib3"),
    },
}


def build(function, folder, arch):
    """The makefile's build, as `sam build` calls it."""
    command = ["make", "-C", ROOT / "functions", f"package-{function}", f"ARTIFACTS_DIR={folder}"]
    environ = {**os.environ, "PYTHON": sys.executable, "ARCH": arch}
    subprocess.run(command, env=environ, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return {function: build(function, folder / function, "x86_64") for function in FUNCTIONS}


def run(package, code, *path, **variables):
    """What Python prints with nothing but the package and the standard library, read-only."""
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ":".join(map(str, path)), **variables}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=package,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def runtime_of(function, tmp_path):
    """A folder with what Lambda's runtime of Python offers this function."""
    if function == "admin":
        return importlib.util.find_spec("boto3").origin.rpartition("/boto3/")[0]
    origin = importlib.util.find_spec("snapshot_restore_py").origin
    (tmp_path / "snapshot_restore_py.py").symlink_to(origin)
    return tmp_path


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_keeps_its_budget(packages, function):
    files = [path for path in packages[function].rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) < BUDGET_MB[function] * 1e6
    assert not [path for path in files if path.suffix == ".pyi" or path.name == "RECORD"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_has_bytecode_that_is_never_checked(packages, function):
    modules = list(packages[function].rglob("*.py"))

    assert len(modules) > 50
    for module in modules:
        compiled = importlib.util.cache_from_source(str(module))
        with open(compiled, "rb") as file:
            magic, flags, source_hash = struct.unpack("<4sI8s", file.read(16))
            code = marshal.load(file)
        assert (magic, flags) == (importlib.util.MAGIC_NUMBER, 0b01), module
        assert source_hash == importlib.util.source_hash(module.read_bytes())
        assert code.co_filename.startswith("/var/task/")


COUNT = """
import os, sys
folder, compiled = os.getcwd(), []
def hook(event, arguments):
    if event == "compile" and os.fsdecode(arguments[1] or "").startswith(folder):
        compiled.append(arguments[1])
sys.addaudithook(hook)
import {handler}
print(len(compiled))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_the_handler_compiles_no_module(packages, function, tmp_path):
    code = COUNT.format(handler=HANDLERS[function])
    runtime = runtime_of(function, tmp_path)

    assert run(packages[function], code, runtime) == "0\n"


def test_the_count_of_compilations_can_fail(tmp_path):
    (tmp_path / "module.py").write_text("x = 1")

    assert run(tmp_path, COUNT.format(handler="module")) == "1\n"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_the_handler_loads_only_these_packages(packages, function, tmp_path):
    code = f"import {HANDLERS[function]}, sys; print(*sys.modules)"

    loaded = run(packages[function], code, runtime_of(function, tmp_path)).split()

    others = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others - {"functions", "scoreline", "__main__", "__mp_main__"} <= THIRD_PARTY[function]


def test_admin_reads_definitions_in_its_package(packages):
    code = """
from scoreline.definition.files import load_definition, shipped_models
print(*(load_definition(model).name for model in shipped_models()))
"""

    assert run(packages["admin"], code).split() == shipped_models()


def test_admin_has_the_page_of_the_api_in_its_package(packages):
    code = "from functions.admin.docs import page; print(page({'openapi': '3.1.0'}))"

    printed = run(packages["admin"], code)

    assert 'SwaggerUIBundle({spec: {"openapi": "3.1.0"}' in printed
    assert len(printed) > 1_500_000


def test_predict_has_only_the_library_of_onnx_runtime(packages):
    [library] = packages["predict"].rglob("*.so*")

    assert library.name.startswith("libonnxruntime.so.")
    licences = {path.name for path in (packages["predict"] / "onnxruntime").iterdir()}
    assert licences == {"capi", "LICENSE", "ThirdPartyNotices.txt"}


SCORE = """
import json, sys
from scoreline.scoring.model import ScoringModel
model = ScoringModel.from_onnx(open(sys.stdin.readline().strip(), "rb").read())
applications = json.loads(sys.stdin.read())
print(json.dumps(model.answer([(a, model.encoder.encode(a)) for a in applications])))
"""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_stripped_package_answers_as_the_code_does_here(packages, algorithm, tmp_path):
    made = bundle(algorithm, rows=900)
    path = tmp_path / "model.onnx"
    path.write_bytes(made.files["model.onnx"])
    model = ScoringModel.from_onnx(made.files["model.onnx"])
    applications = [
        {**APPLICATION, "id": f"{income}-{debt}", "income": income, "debt": debt}
        for income in (None, -99, 0, 900.5, 2500, 1e6)
        for debt in (0, 12000, 1e7)
    ]

    done = subprocess.run(
        [sys.executable, "-S", "-c", SCORE],
        cwd=packages["predict"],
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        input=f"{path}\n{json.dumps(applications)}",
        capture_output=True,
        text=True,
        check=True,
    )

    expected = model.answer([(a, model.encoder.encode(a)) for a in applications])
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize("arch", MACHINES)
def test_libraries_are_those_of_the_processor(arch, tmp_path):
    package = build("predict", tmp_path / "predict", arch)

    libraries = list(package.rglob("*.so*"))
    assert libraries
    for library in libraries:
        with open(library, "rb") as file:
            header = file.read(20)
        assert header[:4] == b"\x7fELF"
        assert struct.unpack("<H", header[18:20]) == (MACHINES[arch],), library


def test_no_package_names_this_machine(packages):
    for folder in packages.values():
        for path in folder.rglob("*.pyc"):
            assert not re.search(re.escape(str(ROOT)).encode(), path.read_bytes()), path
