# The control environment: Airflow's API server and DAG processor, and the evol command. No torch.
FROM python:3.11-slim-bookworm

RUN useradd --uid 50000 --create-home evol && mkdir /data && chown evol /data
WORKDIR /srv/evol
RUN pip install --no-cache-dir uv && chown evol /srv/evol
USER evol
ENV EVOL_HOME=/data PATH=/srv/evol/.venv/bin:$PATH PYTHONUNBUFFERED=1

COPY requirements/control.txt requirements/
RUN uv venv .venv && uv pip install --no-cache --python .venv/bin/python --no-deps -r requirements/control.txt

COPY --chown=evol pyproject.toml ./
COPY --chown=evol evol_core evol_core
COPY --chown=evol dags dags
COPY --chown=evol plugins plugins
COPY --chown=evol sql sql
COPY --chown=evol examples examples
RUN uv pip install --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable .
VOLUME /data
