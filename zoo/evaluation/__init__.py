"""How well a classifier hears: figures of its scores, and the evaluation that writes them."""

from zoo.evaluation.bootstrap import bootstrap_intervals
from zoo.evaluation.calibrate import Calibrated, calibrate
from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.metrics import average_precision, d_prime, lwlrap, roc_auc, top1
from zoo.evaluation.scoring import score_clips

__all__ = [
    "Calibrated",
    "average_precision",
    "bootstrap_intervals",
    "calibrate",
    "d_prime",
    "evaluate",
    "lwlrap",
    "roc_auc",
    "score_clips",
    "top1",
]
