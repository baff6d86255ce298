"""Keras models, composed of what stands above them."""

from hgn_tf.models.config import HGNConfig
from hgn_tf.models.hgn import HGN
from hgn_tf.models.hnn import HNN, BaselineMLP, HNNConfig

__all__ = ["HGN", "HNN", "BaselineMLP", "HGNConfig", "HNNConfig"]
