"""Trained models as SavedModels that TensorFlow Serving loads, and what its operators need beside them."""
