"""Publish a finished run: Parquet for Athena, CloudWatch, MLflow, TensorBoard."""

from evalayer_lab.publish._athena import AthenaTable, athena_tables, script
from evalayer_lab.publish._cloudwatch import metric_data, put_metrics, requests
from evalayer_lab.publish._figures import Figure
from evalayer_lab.publish._glue import TablePlan, add_partitions, create_tables, plan_tables
from evalayer_lab.publish._mlflow import PublishedRun, publish_mlflow
from evalayer_lab.publish._parquet import PublishedFiles, publish_parquet
from evalayer_lab.publish._publication import Publication, Run, publication_of
from evalayer_lab.publish._tables import Column, Table, column_name, tables
from evalayer_lab.publish._target import FolderTarget, Replaced, S3Target, Target
from evalayer_lab.publish._tensorboard import publish_tensorboard

__all__ = [
    "AthenaTable",
    "Column",
    "Figure",
    "FolderTarget",
    "Publication",
    "PublishedFiles",
    "PublishedRun",
    "Replaced",
    "Run",
    "S3Target",
    "Table",
    "TablePlan",
    "Target",
    "add_partitions",
    "athena_tables",
    "column_name",
    "create_tables",
    "metric_data",
    "plan_tables",
    "publication_of",
    "publish_mlflow",
    "publish_parquet",
    "publish_tensorboard",
    "put_metrics",
    "requests",
    "script",
    "tables",
]
