# syntax=docker/dockerfile:1
# One image for all five services and their roles: `docker run carelog services.records api`.
# Pinned by version. Pin it by digest where images are built for production, from the registry you trust.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS packages
RUN python -m venv --without-pip /opt/carelog
COPY requirements-runtime.lock .
RUN pip --python /opt/carelog/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r requirements-runtime.lock

FROM python:${PYTHON}
ENV PATH=/opt/carelog/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=packages /opt/carelog /opt/carelog
WORKDIR /app
COPY shared shared
COPY services services
COPY deploy deploy
# Compiled here, because the root file system is read-only where it runs.
RUN python -m compileall -q /app
# A number, so that Kubernetes can see that it is not root. Nothing is written outside /tmp.
USER 10001:10001
# Probes are the orchestrator's: /health/live and /health/ready.
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m"]
CMD ["services.records", "all"]
