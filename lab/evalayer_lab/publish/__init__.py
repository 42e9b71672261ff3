"""Publish a finished run: Parquet for Athena, CloudWatch, MLflow, TensorBoard."""

from evalayer_lab.publish._cloudwatch import publish_cloudwatch
from evalayer_lab.publish._figures import Figure
from evalayer_lab.publish._glue import PublishedTables, publish_athena
from evalayer_lab.publish._mlflow import publish_mlflow
from evalayer_lab.publish._parquet import PublishedFiles, publish_parquet
from evalayer_lab.publish._publication import Publication, Run
from evalayer_lab.publish._tables import Column
from evalayer_lab.publish._tensorboard import publish_tensorboard

__all__ = [
    "Column",
    "Figure",
    "Publication",
    "PublishedFiles",
    "PublishedTables",
    "Run",
    "publish_athena",
    "publish_cloudwatch",
    "publish_mlflow",
    "publish_parquet",
    "publish_tensorboard",
]
