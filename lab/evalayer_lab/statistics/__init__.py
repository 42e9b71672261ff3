"""Numbers only: estimates with their intervals, segments, confusion matrices. No I/O, no printing."""

from evalayer_lab.statistics._calibration import (
    ReliabilityBin,
    ReliabilityCurve,
    debiased_l2_calibration_error,
    expected_calibration_error,
    l2_calibration_error,
    maximum_calibration_error,
    reliability_curve,
)
from evalayer_lab.statistics._classification import (
    Averages,
    ClassificationReport,
    LabelReport,
    classification_report,
    classification_report_from_confusion,
)
from evalayer_lab.statistics._compare import (
    PairedDifference,
    PairedTest,
    mcnemar,
    paired_difference,
    permutation_test,
)
from evalayer_lab.statistics._confusion import ConfusionMatrix
from evalayer_lab.statistics._gate import Gate, gate_threshold, smallest_gate
from evalayer_lab.statistics._hypergeometric import benjamini_hochberg
from evalayer_lab.statistics._intervals import (
    Estimate,
    clopper_pearson_interval,
    clustered_standard_error,
    jeffreys_interval,
    mean_interval,
    score_interval,
    wilson_interval,
)
from evalayer_lab.statistics._metadata import MetadataKey
from evalayer_lab.statistics._methods import METHODS
from evalayer_lab.statistics._power import sample_size, sd_of_zero_one_differences, smallest_detectable_difference
from evalayer_lab.statistics._prediction_powered import PredictionPoweredMean, prediction_powered_mean
from evalayer_lab.statistics._ranking import auroc
from evalayer_lab.statistics._recalibration import (
    IsotonicMap,
    PlattMap,
    Recalibration,
    TemperatureMap,
    cross_fit,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)
from evalayer_lab.statistics._scores import BrierDecomposition, brier_decomposition, brier_score, log_loss
from evalayer_lab.statistics._segments import Segment, SegmentTable, segment_table
from evalayer_lab.statistics._selective import AreaUnderRiskCoverage, RiskCoverageCurve, aurc, risk_coverage_curve
from evalayer_lab.statistics._slices import FailingSegment, FailingSegments, find_failing_segments

__all__ = [
    "METHODS",
    "AreaUnderRiskCoverage",
    "Averages",
    "BrierDecomposition",
    "ClassificationReport",
    "ConfusionMatrix",
    "Estimate",
    "FailingSegment",
    "FailingSegments",
    "Gate",
    "IsotonicMap",
    "LabelReport",
    "MetadataKey",
    "PairedDifference",
    "PairedTest",
    "PlattMap",
    "PredictionPoweredMean",
    "Recalibration",
    "ReliabilityBin",
    "ReliabilityCurve",
    "RiskCoverageCurve",
    "Segment",
    "SegmentTable",
    "TemperatureMap",
    "aurc",
    "auroc",
    "benjamini_hochberg",
    "brier_decomposition",
    "brier_score",
    "classification_report",
    "classification_report_from_confusion",
    "clopper_pearson_interval",
    "clustered_standard_error",
    "cross_fit",
    "debiased_l2_calibration_error",
    "expected_calibration_error",
    "find_failing_segments",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "gate_threshold",
    "jeffreys_interval",
    "l2_calibration_error",
    "log_loss",
    "maximum_calibration_error",
    "mcnemar",
    "mean_interval",
    "paired_difference",
    "permutation_test",
    "prediction_powered_mean",
    "reliability_curve",
    "risk_coverage_curve",
    "sample_size",
    "score_interval",
    "sd_of_zero_one_differences",
    "segment_table",
    "smallest_detectable_difference",
    "smallest_gate",
    "wilson_interval",
]
