# syntax=docker/dockerfile:1.19
# What builds Gold, by hand or as the task on ECS of a run: dbt with both engines, and the project. From the root:
#   docker build -f deploy/dbt.Dockerfile -t finks-dbt .
FROM python:3.12.12-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/finks \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY packages packages
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-editable --only-group dbt

FROM python:3.12.12-slim-bookworm
RUN useradd --uid 10001 --create-home finks
COPY --from=build /opt/finks /opt/finks
COPY dbt /opt/finks/dbt
ENV PATH=/opt/finks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    FINKS_GOLD__PROJECT=/opt/finks/dbt \
    FINKS_GOLD__ENGINE=athena
USER 10001
WORKDIR /home/finks
HEALTHCHECK --interval=1m --timeout=20s CMD ["finks", "--version"]
ENTRYPOINT ["finks"]
CMD ["gold", "--quiet"]
