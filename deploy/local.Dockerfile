# syntax=docker/dockerfile:1.19
# The local AWS of finks-local, for docker-compose.yml. From the root of the checkout:
#   docker build -f deploy/local.Dockerfile -t finks-local .
FROM python:3.12.12-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/finks \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    FINKS_LOCAL_HOME=/opt/emulator
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY packages packages
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-editable --only-group local \
    && /opt/finks/bin/python -c "from finks_local.emulator.environment import emulator_python; emulator_python()"

FROM python:3.12.12-slim-bookworm
RUN useradd --uid 10001 --create-home finks
COPY --from=build /opt/finks /opt/finks
COPY --from=build --chown=10001 /opt/emulator /opt/emulator
ENV PATH=/opt/finks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FINKS_LOCAL_HOME=/opt/emulator
USER 10001
WORKDIR /home/finks
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4566/_ministack/health', timeout=3)"]
ENTRYPOINT ["finks", "local"]
CMD ["up", "--foreground"]
