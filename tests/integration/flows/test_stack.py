"""`finks flows up` and `down`: what runs, what is started again, what is left."""

from __future__ import annotations

import os
import signal
import stat

import httpx
import psutil
import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]

PARTS = ("postgres", "server", "worker")


def processes(prefect) -> list[psutil.Process]:
    """Every process that has anything to do with the stack's directory."""
    found = []
    for process in psutil.process_iter():
        try:
            about = [process.cwd(), *process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if any(str(prefect.directory) in text for text in about):
            found.append(process)
    return found


def test_a_schedule_makes_runs(stack):
    body = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    runs = stack.wait_for(lambda: stack.call("POST", "/flow_runs/filter", body))
    assert stack.deployment()["id"] in {run["deployment_id"] for run in runs}


def test_a_run_takes_its_secrets_from_the_server_and_not_from_the_worker(prefect):
    secrets = '[flows]\nsecrets = ["sources.files.transactions"]\n'
    prefect.deployed(secrets, FINKS_SOURCES__FILES__TRANSACTIONS="other.csv")
    started = prefect.call("POST", f"/deployments/{prefect.deployment()['id']}/create_flow_run", {})
    ended = ("COMPLETED", "FAILED", "CRASHED")

    def state():
        found = prefect.call("GET", f"/flow_runs/{started['id']}")["state"]
        return found if found["type"] in ended else None

    assert prefect.wait_for(state)["type"] == "COMPLETED"
    table = prefect.finks("query", "select distinct transaction_id from silver.files_transactions", cwd=prefect.project)
    assert "other" in table.stdout, table.stderr


def test_starting_twice_starts_nothing_again(stack):
    before = stack.status
    assert before["healthy"]
    stack.up()
    assert stack.status == before


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_started_again_and_the_others_stay(stack, part):
    before = stack.parts
    psutil.Process(before[part]).kill()
    stack.wait_for(lambda: stack.parts[part] is None)
    stack.up()
    after = stack.parts
    assert stack.status["healthy"]
    assert [name for name in PARTS if after[name] != before[name]] == [part]


def test_the_api_wants_the_password_and_listens_on_loopback_only(stack):
    assert httpx.post(f"{stack.address}/deployments/filter", json={}, trust_env=False).status_code == 401
    for part in ("postgres", "server"):
        listening = psutil.Process(stack.parts[part]).net_connections("inet")
        assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_no_other_page_of_a_browser_may_call_the_api(stack):
    asked = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{stack.address}/deployments/filter", headers=asked, trust_env=False)
    assert "access-control-allow-origin" not in answer.headers


def test_secrets_are_in_files_that_only_their_owner_reads_and_nowhere_else(stack):
    files = list(stack.directory.glob("*.secret"))
    secrets = [file.read_text().strip() for file in files]
    assert len(secrets) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    written = [*stack.directory.glob("logs/*"), *stack.directory.glob("parts/*"), stack.directory / "stack.json"]
    for file in written:
        assert not [secret for secret in secrets if secret in file.read_text(errors="replace")], file
    for process in processes(stack):
        assert not [secret for secret in secrets if secret in " ".join(process.cmdline())]


def test_after_down_no_process_is_left_and_after_up_everything_is_there(stack):
    before = stack.everything()
    assert len(processes(stack)) >= len(PARTS)
    assert stack.flows("flows", "down").returncode == 0
    assert processes(stack) == []
    stack.up()
    assert stack.everything() == before


def test_a_run_that_outlived_its_worker_is_ended_by_down(stack):
    worker = psutil.Process(stack.parts["worker"])
    environment = worker.environ()
    orphan = psutil.Popen(["sleep", "600"], env=environment, start_new_session=True)
    os.kill(worker.pid, signal.SIGKILL)
    assert stack.flows("flows", "down").returncode == 0
    assert orphan.wait(timeout=5) == -signal.SIGTERM
    assert processes(stack) == []
