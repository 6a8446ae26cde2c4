"""Evol: an Airflow-orchestrated data platform that makes instruction-tuning datasets."""

__version__ = "0.1.0"
