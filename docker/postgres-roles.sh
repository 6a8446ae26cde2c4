#!/bin/sh
# Run once, by the first start of the postgres image: the databases and who may enter which.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres <<SQL
CREATE ROLE airflow LOGIN PASSWORD '$EVOL_AIRFLOW_PASSWORD';
CREATE ROLE evol LOGIN PASSWORD '$EVOL_DATABASE_PASSWORD';
CREATE ROLE evol_analyst LOGIN PASSWORD '$EVOL_ANALYST_PASSWORD';
ALTER ROLE evol_analyst SET default_transaction_read_only = on;
CREATE DATABASE airflow OWNER airflow;
CREATE DATABASE evol OWNER evol;
REVOKE ALL ON DATABASE airflow, evol, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE evol TO evol_analyst;
SQL
