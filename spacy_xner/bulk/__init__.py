"""Predictions for corpora of any size: in parts, that a broken job goes on with, in one process or on Ray.

`Predictor` is the function for batches of other engines, such as ``map_batches`` of Ray Data.
"""

from .predictor import Predictor
from .run import JobOptions, predict_files

__all__ = ["JobOptions", "Predictor", "predict_files"]
