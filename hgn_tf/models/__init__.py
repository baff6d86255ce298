"""Keras models, composed of what stands above them."""

from hgn_tf.models.config import HGNConfig
from hgn_tf.models.hgn import HGN

__all__ = ["HGN", "HGNConfig"]
