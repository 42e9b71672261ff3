"""Publish a finished run: Parquet for Athena, CloudWatch, MLflow, TensorBoard."""

from evalayer_lab.publish._athena import AthenaTable
from evalayer_lab.publish._cloudwatch import PublishedMetrics, publish_cloudwatch
from evalayer_lab.publish._figures import Figure
from evalayer_lab.publish._glue import PublishedTables, TableChange, publish_athena
from evalayer_lab.publish._mlflow import PublishedRun, publish_mlflow
from evalayer_lab.publish._parquet import PublishedFiles, Replaced, publish_parquet
from evalayer_lab.publish._publication import Publication, Run
from evalayer_lab.publish._tables import Column, Table
from evalayer_lab.publish._tensorboard import publish_tensorboard

__all__ = [
    "AthenaTable",
    "Column",
    "Figure",
    "Publication",
    "PublishedFiles",
    "PublishedMetrics",
    "PublishedRun",
    "PublishedTables",
    "Replaced",
    "Run",
    "Table",
    "TableChange",
    "publish_athena",
    "publish_cloudwatch",
    "publish_mlflow",
    "publish_parquet",
    "publish_tensorboard",
]
