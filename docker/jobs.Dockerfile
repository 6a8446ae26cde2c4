# Both environments, engines on a GPU: Airflow's scheduler and triggerer, and the jobs that they start and follow.
# torch's wheels bring CUDA's libraries. DeepSpeed's own operators need nvcc as well: give a CUDA development image
# with Python 3.11 and pip as BASE where you train with them.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 50000 --create-home evol && mkdir /data && chown evol /data
WORKDIR /srv/evol
RUN pip install --no-cache-dir uv && chown evol /srv/evol
USER evol
ENV EVOL_HOME=/data PATH=/srv/evol/.venv/bin:$PATH PYTHONUNBUFFERED=1

COPY requirements/control.txt requirements/jobs-gpu.txt requirements/
RUN uv venv .venv && uv pip install --no-cache --python .venv/bin/python --no-deps -r requirements/control.txt
RUN uv venv .venv-jobs && uv pip install --no-cache --python .venv-jobs/bin/python --no-deps -r requirements/jobs-gpu.txt

COPY --chown=evol pyproject.toml ./
COPY --chown=evol evol_core evol_core
COPY --chown=evol dags dags
COPY --chown=evol plugins plugins
COPY --chown=evol sql sql
COPY --chown=evol examples examples
RUN uv pip install --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    && uv pip install --no-cache --python .venv-jobs/bin/python --no-deps --no-build-isolation --editable .
VOLUME /data
