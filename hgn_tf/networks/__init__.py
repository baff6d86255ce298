"""Small Keras layers: energies, encoders and decoders of what the models are composed of, and what makes them fast."""

import hgn_tf.startup  # noqa: F401
from hgn_tf.networks.autoencoders import ResidualMLP
from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.decoders import Decoder, ResidualDecoder
from hgn_tf.networks.encoders import Encoder
from hgn_tf.networks.energies import ConvEnergy, MLPEnergy, QuadraticKinetic
from hgn_tf.networks.mlp import mlp, orthogonal_mlp
from hgn_tf.networks.upsampling import UpsampleConv

__all__ = ["ConvEnergy", "Decoder", "Encoder", "MLPEnergy", "QuadraticKinetic", "ResidualDecoder", "ResidualMLP",
           "UpsampleConv", "conv_stack", "mlp", "orthogonal_mlp"]
