"""Keras models, composed of what stands above them."""

from hgn_tf.models.bootstrapped import BootstrappedHGN, BootstrappedHGNConfig
from hgn_tf.models.config import HGNConfig
from hgn_tf.models.hgn import HGN
from hgn_tf.models.hnn import HNN, BaselineMLP, HNNConfig
from hgn_tf.models.nhf import NHF, NHFConfig
from hgn_tf.models.pixel_hnn import PixelHNN, PixelHNNConfig
from hgn_tf.models.real_nvp import RealNVP, RealNVPConfig

__all__ = ["HGN", "HNN", "NHF", "BaselineMLP", "BootstrappedHGN", "BootstrappedHGNConfig", "HGNConfig", "HNNConfig",
           "NHFConfig", "PixelHNN", "PixelHNNConfig", "RealNVP", "RealNVPConfig", "make"]

_MODELS = {HGNConfig: HGN, BootstrappedHGNConfig: BootstrappedHGN, NHFConfig: NHF, PixelHNNConfig: PixelHNN,
           RealNVPConfig: RealNVP}


def make(config):
  """The untrained model of a configuration."""
  return _MODELS[type(config)](config)
