"""Exported classifiers: SavedModel, TFLite files and what runs them, and pages for browsers."""

from typing import TYPE_CHECKING

from frontend.lazy import lazy_names

if TYPE_CHECKING:
    from export.check import check_model as check_model
    from export.metadata import Metadata as Metadata
    from export.metadata import add_metadata as add_metadata
    from export.metadata import read_metadata as read_metadata
    from export.operators import operations as operations
    from export.runtime import TFLiteClassifier as TFLiteClassifier
    from export.saved_model import export_saved_model as export_saved_model
    from export.tflite import export_tflite as export_tflite
    from export.web import export_web as export_web
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "check": ["check_model"],
            "metadata": ["Metadata", "add_metadata", "read_metadata"],
            "operators": ["operations"],
            "runtime": ["TFLiteClassifier"],
            "saved_model": ["export_saved_model"],
            "tflite": ["export_tflite"],
            "web": ["export_web"],
        },
    )
