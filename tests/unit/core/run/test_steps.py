import asyncio

import pytest
from finks.errors import QualityError
from finks.run.steps import Course, LocalSteps, Step, StepEnd

STEP = Step("refine", "acme")


def run(work, judge=StepEnd, redact=str):
    told = []
    course = Course(LocalSteps(), lambda event: told.append((event.name, event.subject)), redact)
    try:
        asyncio.run(course.run(STEP, work, judge))
    finally:
        assert told[0] == ("step.started", "refine acme")
        assert len(told) == 2
    return told[1][0]


async def nothing():
    pass


async def refuse():
    raise QualityError("the key hunter2 is wrong")


def test_a_step_that_did_its_work_has_finished():
    assert run(nothing) == "step.finished"


def test_a_step_whose_findings_are_bad_has_failed():
    assert run(nothing, lambda: StepEnd(5, "too many rejects")) == "step.failed"


def test_what_the_work_raises_passes_through_the_runner_of_steps():
    with pytest.raises(QualityError, match="hunter2"):
        run(refuse)


def test_the_runner_of_steps_never_sees_a_secret():
    ends = []

    class Keeping(LocalSteps):
        async def run(self, step, work):
            ends.append(await work())
            return ends[-1]

    course = Course(Keeping(), lambda event: None, lambda text: text.replace("hunter2", "[redacted]"))
    with pytest.raises(QualityError):
        asyncio.run(course.run(STEP, refuse))
    assert ends == [StepEnd(5, "the key [redacted] is wrong")]
