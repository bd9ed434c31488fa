# syntax=docker/dockerfile:1.19
# The worker and its runs, dbt too; the Prefect server and `finks deploy` as well. From the root of the checkout:
#   docker build -f deploy/flows.Dockerfile -t finks-flows .
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
    uv sync --frozen --no-editable --only-group flows

FROM python:3.12.12-slim-bookworm
RUN useradd --uid 10001 --create-home finks
COPY --from=build /opt/finks /opt/finks
COPY dbt /opt/finks/dbt
COPY packages/finks-flows/src/finks_flows/logging.yml /opt/finks/logging.yml
ENV PATH=/opt/finks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    FINKS_GOLD__PROJECT=/opt/finks/dbt
USER 10001
WORKDIR /home/finks
# Of the worker. The compose file gives the server a check of its own.
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=5)"]
ENTRYPOINT ["python", "-m", "finks_flows.worker"]
CMD ["--with-healthcheck"]
