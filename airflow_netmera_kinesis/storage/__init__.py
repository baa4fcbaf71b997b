"""Where files are kept: one small interface over a local path and over object storage."""

from airflow_netmera_kinesis.storage.folder import Appender, FileInfo, Folder, ReadableFolder
from airflow_netmera_kinesis.storage.local import LocalFolder
from airflow_netmera_kinesis.storage.object import ObjectFolder
from airflow_netmera_kinesis.storage.s3 import S3Folder

__all__ = ["Appender", "FileInfo", "Folder", "LocalFolder", "ObjectFolder", "ReadableFolder", "S3Folder"]
