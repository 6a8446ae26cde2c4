"""What DAGs are wired from: the job operator and its trigger, the form, assets. Nothing else may import airflow."""
