"""Keras models, each with its configuration beside it, composed of what stands below them."""

import hgn_tf.mechanics.startup  # noqa: F401
from hgn_tf.models.compact import CompactHGN
from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.compact_variants import CompactVariant, CompactVariantConfig
from hgn_tf.models.hgn import HGN
from hgn_tf.models.hgn_config import HGNConfig
from hgn_tf.models.hgn_plus_plus import HGNPlusPlus
from hgn_tf.models.hgn_plus_plus_config import HGNPlusPlusConfig
from hgn_tf.models.hnn import HNN, BaselineMLP
from hgn_tf.models.hnn import make as make_hnn
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.models.latent_ode import LatentODE
from hgn_tf.models.latent_ode_config import LatentODEConfig
from hgn_tf.models.latent_rnn import LatentRNN
from hgn_tf.models.latent_rnn_config import LatentRNNConfig
from hgn_tf.models.nhf import NHF
from hgn_tf.models.nhf_config import NHFConfig
from hgn_tf.models.pixel_hnn import PixelHNN
from hgn_tf.models.pixel_hnn_config import PixelHNNConfig
from hgn_tf.models.real_nvp import RealNVP
from hgn_tf.models.real_nvp_config import RealNVPConfig

__all__ = ["HGN", "HNN", "NHF", "BaselineMLP", "CompactHGN", "CompactHGNConfig", "CompactVariant",
           "CompactVariantConfig", "HGNConfig", "HGNPlusPlus", "HGNPlusPlusConfig", "HNNConfig", "LatentODE",
           "LatentODEConfig", "LatentRNN", "LatentRNNConfig", "NHFConfig", "PixelHNN", "PixelHNNConfig", "RealNVP",
           "RealNVPConfig", "make"]

_MODELS = {HGNConfig: HGN, CompactHGNConfig: CompactHGN, CompactVariantConfig: CompactVariant,
           HGNPlusPlusConfig: HGNPlusPlus, LatentODEConfig: LatentODE, LatentRNNConfig: LatentRNN,
           HNNConfig: make_hnn, NHFConfig: NHF, PixelHNNConfig: PixelHNN, RealNVPConfig: RealNVP}


def make(config):
  """The untrained model of a configuration."""
  return _MODELS[type(config)](config)
