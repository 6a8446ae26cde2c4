"""What a build puts out, as Airflow's scheduler and OpenLineage know it."""

from airflow.sdk import Asset

DATASET = Asset(
    name="evol_dataset",
    uri="postgres://localhost:5432/evol/lineage/dataset_version",
    group="evol",
    extra={"holds": "one event a new published version: name, version, state, rows"},
)
