# syntax=docker/dockerfile:1.19
# What fetches and refines: finks with its connectors. Build it from the root of the checkout:
#   docker build -f deploy/ingestion.Dockerfile -t finks-ingestion .
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
    uv sync --frozen --no-editable --only-group ingestion

FROM python:3.12.12-slim-bookworm
RUN useradd --uid 10001 --create-home finks
COPY --from=build /opt/finks /opt/finks
ENV PATH=/opt/finks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FINKS_GOLD__ENABLED=false
USER 10001
WORKDIR /home/finks
# A run that hangs is ended by its own time limits; this says that the installation is whole.
HEALTHCHECK --interval=1m --timeout=20s CMD ["finks", "--version"]
ENTRYPOINT ["finks"]
CMD ["run", "--no-gold", "--quiet"]
