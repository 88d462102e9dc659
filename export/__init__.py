"""Exported classifiers: SavedModel and TFLite files, and what runs the latter."""

from frontend.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "check": ["check_model"],
        "metadata": ["Metadata", "add_metadata", "read_metadata"],
        "operators": ["operations"],
        "runtime": ["TFLiteClassifier"],
        "saved_model": ["export_saved_model"],
        "tflite": ["export_tflite"],
    },
)
