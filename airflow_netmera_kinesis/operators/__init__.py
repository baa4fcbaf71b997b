"""The tasks of a DAG: each translates between Airflow and a stage, and decides nothing."""
