"""Stream matched Netmera events to Amazon Kinesis from Apache Airflow."""

__version__ = "0.1.0"
