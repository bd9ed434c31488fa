"""The emulator: its environment, its life as a child process, what it keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from finks.errors import ConfigurationError
from finks_local.emulator import Emulator, EmulatorOptions
from finks_local.emulator.process import free_port, healthy
from finks_local.stack import Stack

pytestmark = pytest.mark.aws


def client(stack: Stack, service: str, **credentials):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=stack.emulator.url, region_name="us-east-1", **(credentials or keys))


def test_services_answer_with_the_environment_alone(aws_environment):
    boto3.client("s3").create_bucket(Bucket="one")
    boto3.client("s3").put_object(Bucket="one", Key="a", Body=b"1")
    assert boto3.client("s3").get_object(Bucket="one", Key="a")["Body"].read() == b"1"
    assert boto3.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_reset_empties_it(local_aws):
    client(local_aws, "s3").create_bucket(Bucket="two")
    local_aws.reset()
    assert client(local_aws, "s3").list_buckets()["Buckets"] == []


def test_it_listens_on_loopback_only(local_aws):
    connections = psutil.Process(local_aws.emulator.pid).net_connections()
    assert {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_data_survives_a_stop_where_asked(tmp_path):
    with Stack.start(tmp_path, keep=True) as stack:
        client(stack, "s3").create_bucket(Bucket="kept")
        client(stack, "s3").put_object(Bucket="kept", Key="a", Body=b"1")
        client(stack, "glue").create_database(DatabaseInput={"Name": "silver"})
    with Stack.start(tmp_path, keep=True) as stack:
        assert client(stack, "s3").get_object(Bucket="kept", Key="a")["Body"].read() == b"1"
        assert client(stack, "glue").get_database(Name="silver")["Database"]["Name"] == "silver"


def test_enforcement_refuses_a_user_without_permission(tmp_path):
    with Stack.start(tmp_path, enforce_iam=True) as stack:
        iam = client(stack, "iam")
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        s3 = client(stack, "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.create_bucket(Bucket="mine")


def test_it_ends_when_its_starter_is_killed(tmp_path):
    code = (
        "import sys, time, pathlib\n"
        "from finks_local.stack import Stack\n"
        "stack = Stack.start(pathlib.Path(sys.argv[1]))\n"
        "print(stack.emulator.pid, flush=True)\n"
        "time.sleep(100)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with starter:
        child = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    child.wait(30)
    assert not child.is_running()


def test_a_taken_port_is_named(tmp_path, local_aws):
    port = local_aws.emulator.port
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}"):
        Stack.start(tmp_path, port=port)


def test_its_temporary_files_are_inside_its_directory(local_aws):
    folder = psutil.Process(local_aws.emulator.pid).environ()["TMPDIR"]
    assert folder == str(local_aws.emulator.options.directory / "tmp")


@pytest.mark.slow
def test_processes_that_need_the_environment_at_once_make_it_once(tmp_path):
    code = "from finks_local.emulator.environment import emulator_python; print(emulator_python())"
    environment = {**os.environ, "FINKS_LOCAL_HOME": str(tmp_path)}

    def ask(_: int) -> str:
        return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(4)))
    assert len(found) == 1
    subprocess.run([found.pop(), "-c", "import ministack.app"], check=True)


def test_an_environment_that_cannot_be_made_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_LOCAL_HOME", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match="uv pip install"):
        Emulator.start(EmulatorOptions(tmp_path / "state"))


def test_a_port_found_free_is_not_answered_by_anybody():
    assert not healthy(f"http://127.0.0.1:{free_port()}")
