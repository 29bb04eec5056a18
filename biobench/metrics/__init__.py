"""Metrics. A new one subclasses ``Metric`` or ``PairMetric`` and is found through the entry points ``biobench.metrics``."""

from biobench.metrics.base import Metric, MetricUnavailable, PairMetric, Rows

__all__ = ["Metric", "MetricUnavailable", "PairMetric", "Rows"]
