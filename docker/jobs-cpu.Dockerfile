# Both environments, engines on the processor: Airflow's scheduler and triggerer, and the jobs that they start.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 50000 --create-home evol && mkdir /data && chown evol /data
WORKDIR /srv/evol
RUN pip install --no-cache-dir uv && chown evol /srv/evol
USER evol
ENV EVOL_HOME=/data PATH=/srv/evol/.venv/bin:$PATH PYTHONUNBUFFERED=1

COPY requirements/control.txt requirements/jobs.txt requirements/
RUN uv venv .venv && uv pip install --no-cache --python .venv/bin/python --no-deps -r requirements/control.txt
RUN uv venv .venv-jobs && uv pip install --no-cache --python .venv-jobs/bin/python --no-deps -r requirements/jobs.txt
ARG TORCH=2.13.0
RUN uv pip install --no-cache --python .venv-jobs/bin/python --no-deps --torch-backend=cpu torch==${TORCH}

COPY --chown=evol pyproject.toml ./
COPY --chown=evol evol_core evol_core
COPY --chown=evol dags dags
COPY --chown=evol plugins plugins
COPY --chown=evol sql sql
COPY --chown=evol examples examples
RUN uv pip install --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    && uv pip install --no-cache --python .venv-jobs/bin/python --no-deps --no-build-isolation --editable .
VOLUME /data
