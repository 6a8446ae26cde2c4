"""The embedded platform: PostgreSQL, Airflow and a small model, on one machine, under one home folder."""
