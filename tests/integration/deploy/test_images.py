"""The images and the compose file, as far as they can be checked where no Docker engine is.

Linters read them; and what each image installs is installed by its own commands, in a directory of its own, from
what `.dockerignore` lets through. Then the image's entry command has to answer.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

IMAGES = ["dbt", "flows", "ingestion", "local"]
EVERY_IMAGE = pytest.mark.parametrize("image", IMAGES)
DEPLOY = Path(__file__).parents[3] / "deploy"


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it."""

    base: str
    steps: list[tuple[str, str]]

    def all(self, instruction: str) -> list[str]:
        return [argument for name, argument in self.steps if name == instruction]

    @property
    def environment(self) -> dict[str, str]:
        words = [word for argument in self.all("ENV") for word in shlex.split(argument)]
        return dict(word.split("=", 1) for word in words)


def stages(image: str) -> list[Stage]:
    text = (DEPLOY / f"{image}.Dockerfile").read_text()
    lines = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.M)).splitlines()
    found: list[Stage] = []
    for line in filter(None, lines):
        instruction, _, argument = line.partition(" ")
        if instruction == "FROM":
            found.append(Stage(argument.split()[0], []))
        else:
            found[-1].steps.append((instruction, argument.strip()))
    return found


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


# --- what linters say ---


def test_every_image_has_a_dockerfile():
    assert sorted(path.name.removesuffix(".Dockerfile") for path in DEPLOY.glob("*.Dockerfile")) == IMAGES


@EVERY_IMAGE
def test_the_linter_has_nothing_to_say(image):
    done = subprocess.run(
        [program("hadolint"), "--failure-threshold", "style", DEPLOY / f"{image}.Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_does_find_something(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN cd /tmp && pip install polars\n")
    done = subprocess.run([program("hadolint"), bad], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert {"DL3006", "DL3003", "DL3013"} <= set(re.findall(r"DL\d{4}", done.stdout))


def test_the_compose_file_follows_the_schema_of_compose():
    command = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "docker-compose.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- what every image keeps ---


@EVERY_IMAGE
def test_bases_are_pinned_and_the_last_stage_has_no_tool_to_build_with(image):
    build, final = stages(image)
    assert build.base == final.base
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", final.base)
    assert all("uv:" not in copied and " /src" not in copied for copied in final.all("COPY"))


@EVERY_IMAGE
def test_the_process_is_not_root_and_its_health_is_known(image):
    final = stages(image)[-1]
    assert final.all("USER") == ["10001"]
    assert len(final.all("HEALTHCHECK")) == 1
    assert json.loads(final.all("ENTRYPOINT")[0])
    assert json.loads(final.all("CMD")[0])


def test_no_file_holds_a_secret():
    """The dummy credentials of the local AWS are none; whatever else sounds like one comes from the environment."""
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|API_KEY|ACCESS_KEY", name):
                assert value == "test" or value.startswith("${FINKS_"), name
    for image in IMAGES:
        for stage in stages(image):
            assert not [name for name in stage.environment if re.search(r"PASSWORD|SECRET|TOKEN|KEY", name)]


def test_ports_are_published_on_loopback_only():
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_has_its_image_from_here_or_by_a_pinned_tag(repository):
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    for service in compose["services"].values():
        if "build" in service:
            assert (repository / service["build"]["dockerfile"]).is_file()
        else:
            assert re.search(r":\d+\.\d+", service["image"])


# --- what the images install ---


def context(repository: Path, folder: Path) -> None:
    """What `.dockerignore` lets through, which begins with `*` and names the rest."""
    rules = (repository / ".dockerignore").read_text().splitlines()
    assert "*" in rules
    ignored = shutil.ignore_patterns(*(rule.removeprefix("**/") for rule in rules if rule.startswith("**/")))
    for rule in rules:
        if rule.startswith("!"):
            source = repository / rule[1:]
            if source.is_dir():
                shutil.copytree(source, folder / rule[1:], ignore=ignored)
            else:
                shutil.copy(source, folder / rule[1:])


@pytest.mark.slow
@pytest.mark.timeout(900)
@EVERY_IMAGE
def test_an_image_installs_from_the_lock_and_its_entry_command_answers(image, repository, tmp_path):
    build, final = stages(image)
    # The directories of the image, moved under the test's own: `/src` is the context here.
    source = tmp_path / "src"
    source.mkdir()
    context(repository, source)
    for copied in build.all("COPY"):
        *names, _ = [word for word in copied.split() if not word.startswith("--")]
        assert copied.startswith("--from=") or all((source / name).exists() for name in names), copied

    def moved(text: str) -> str:
        return text.replace("/opt/", f"{tmp_path}/opt/").replace("/home/finks", f"{tmp_path}/home")

    # How this machine reaches the package index stays; what would lead to this checkout goes.
    foreign = ("PYTHON", "VIRTUAL_ENV", "FINKS_", "AWS_", "DBT_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    for step in build.all("RUN"):
        command = re.sub(r"--mount=\S+\s+", "", step)
        environment = clean | {name: moved(value) for name, value in build.environment.items()}
        done = subprocess.run(
            ["/bin/sh", "-euc", moved(command)],
            cwd=source,
            env=environment | {"UV_PYTHON": sys.executable, "UV_COMPILE_BYTECODE": "0"},
            capture_output=True,
            text=True,
            timeout=800,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    # Only what the final stage has: nothing may lead back to the sources.
    shutil.rmtree(source)
    (tmp_path / "home").mkdir()
    entry = [*json.loads(final.all("ENTRYPOINT")[0]), "--help"]
    environment = {name: moved(value) for name, value in final.environment.items()}
    environment["PATH"] = environment["PATH"].replace("$PATH", clean["PATH"])
    assert shutil.which(entry[0], path=environment["PATH"]) == f"{tmp_path}/opt/finks/bin/{entry[0]}"
    done = subprocess.run(
        [f"{tmp_path}/opt/finks/bin/{entry[0]}", *entry[1:]],
        cwd=tmp_path / "home",
        env=environment | {"HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "usage" in done.stdout.lower()


def test_the_prefect_server_has_the_variables_that_finks_flows_sets():
    from finks_flows import environment

    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    password = "${FINKS_POSTGRES_PASSWORD:?choose a password}"
    wanted = environment.server(
        database=f"postgresql+asyncpg://prefect:{password}@postgres:5432/prefect",
        address="http://127.0.0.1:4200",
        auth=None,
    )
    wanted["PREFECT_LOGGING_CONFIG_PATH"] = "/opt/finks/logging.yml"
    assert compose["services"]["prefect"]["environment"] == wanted
    assert compose["services"]["migrate"]["environment"] == wanted
