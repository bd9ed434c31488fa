"""`finks local`: up, down, status, reset, and what `kill -9` leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import psutil
import pytest
from finks_local import daemon

pytestmark = [pytest.mark.aws, pytest.mark.slow]
FREE = ("--port", "0", "--endpoint-port", "0")


class Local:
    """`finks local` in a directory."""

    def __init__(self, command, directory: Path) -> None:
        self.directory = directory
        self._command = command

    def __call__(self, *arguments: str):
        return self._command("local", *arguments, "--directory", str(self.directory), cwd=self.directory)

    @property
    def state(self) -> daemon.State:
        return daemon.find(self.directory)

    @property
    def status(self):
        return json.loads(self("status", "--json").stdout)

    def client(self, service: str):
        found = self.state.environment
        url = found.get(f"AWS_ENDPOINT_URL_{service.upper()}", found["AWS_ENDPOINT_URL"])
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)


@pytest.fixture
def local(finks_command, tmp_path) -> Iterator[Local]:
    yield Local(finks_command, tmp_path)
    daemon.down(tmp_path)


@pytest.fixture
def up(local) -> Local:
    done = local("up", *FREE)
    assert done.returncode == 0, done.stderr
    return local


def test_up_prints_what_clients_need(local):
    done = local("up", *FREE, "--env")
    script = f"{done.stdout}\n{sys.executable} -c \"import boto3; print(boto3.client('s3').list_buckets()['Buckets'])\""
    assert subprocess.check_output(["bash", "-c", script], text=True) == "[]\n"


def test_up_again_changes_nothing(up):
    before = up.state
    assert up("up", *FREE).returncode == 0
    assert up.state == before


def test_two_that_come_up_at_once_are_one(local):
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: local("up", *FREE, "--env"), range(2)))
    assert [one.returncode for one in done] == [0, 0], done
    assert done[0].stdout == done[1].stdout


def test_up_again_with_other_settings_is_refused(up):
    done = up("up", *FREE, "--enforce-iam")
    assert done.returncode == 6
    assert "finks local down" in done.stderr


def test_the_variables_are_written_to_a_file(local):
    local("up", *FREE, "--env-file", "aws.env")
    lines = (local.directory / "aws.env").read_text().splitlines()
    assert dict(line.split("=", 1) for line in lines) == local.state.environment


def test_a_taken_port_is_named(local):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = local("up", "--port", "0", "--endpoint-port", str(port))
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr


def test_status_counts_what_is_there(up):
    up.client("s3").create_bucket(Bucket="lake")
    up.client("glue").create_database(DatabaseInput={"Name": "silver"})
    found = up.status
    assert (found["healthy"], found["buckets"], found["databases"], found["tables"]) == (True, 1, 1, 0)
    assert found["endpoint_memory_mb"] > 0


def test_status_of_what_is_down_is_an_exit_code(local):
    done = local("status", "--json")
    assert (done.returncode, json.loads(done.stdout)["healthy"]) == (1, False)


def test_data_survives_down_and_up(up):
    up.client("s3").create_bucket(Bucket="lake")
    up.client("glue").create_database(DatabaseInput={"Name": "silver"})
    up.client("athena").create_work_group(Name="analysts")
    assert up("down").returncode == 0
    assert up.state is None
    assert up("up", *FREE).returncode == 0
    assert [bucket["Name"] for bucket in up.client("s3").list_buckets()["Buckets"]] == ["lake"]
    assert up.client("glue").get_database(Name="silver")
    assert up.client("athena").get_work_group(WorkGroup="analysts")


def test_down_twice_is_no_error(up):
    assert [up("down").returncode, up("down").returncode] == [0, 0]


@pytest.mark.parametrize("running", [True, False])
def test_reset_empties_everything(up, running):
    up.client("s3").create_bucket(Bucket="lake")
    up.client("athena").create_work_group(Name="analysts")
    if not running:
        up("down")
    assert up("reset").returncode == 0
    assert up("up", *FREE).returncode == 0
    assert up.status["buckets"] == 0
    assert [group["Name"] for group in up.client("athena").list_work_groups()["WorkGroups"]] == ["primary"]


@pytest.mark.parametrize("process", ["pid", "emulator_pid"])
def test_it_comes_up_again_after_kill_9(up, process):
    up.client("s3").create_bucket(Bucket="lake")
    up.client("s3").put_object(Bucket="lake", Key="kept", Body=b"1")
    before = up.state
    os.kill(getattr(before, process), signal.SIGKILL)
    assert up("up", *FREE).returncode == 0
    assert up.client("s3").get_object(Bucket="lake", Key="kept")["Body"].read() == b"1"
    assert not psutil.pid_exists(before.emulator_pid)


def test_a_second_one_in_the_directory_is_refused(up):
    done = up("up", *FREE, "--foreground")
    assert done.returncode == 6


def test_it_stays_in_the_foreground_until_it_is_told_to_end(local):
    command = [str(Path(sys.executable).with_name("finks")), "local", "up", *FREE, "--foreground"]
    process = subprocess.Popen([*command, "--directory", str(local.directory)], stderr=subprocess.PIPE, text=True)
    with process:
        assert "until Ctrl-C" in process.stderr.readline()
        while local.state is None:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_nothing_outlives_down(up):
    processes = [psutil.Process(up.state.pid), psutil.Process(up.state.emulator_pid)]
    up("down")
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
