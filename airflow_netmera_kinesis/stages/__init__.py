"""What each task does, in the order of the flow: plan, match, gate, send, commit. No Airflow in here."""
