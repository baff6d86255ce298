"""Small Keras layers: energies, encoders and decoders of what the models are composed of, and what makes them fast."""

import hgn_tf.mechanics.startup  # noqa: F401
from hgn_tf.networks.autoencoders import ResidualMLP
from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.decoders import (
  CoordinateDecoder,
  Decoder,
  DifferenceDecoder,
  ImageDecoder,
  ResidualDecoder,
  VectorDecoder,
)
from hgn_tf.networks.encoders import Encoder, VectorEncoder, WindowEncoder
from hgn_tf.networks.energies import ConvEnergy, FlatGridEnergy, MLPEnergy, OscillatorEnergy, QuadraticKinetic
from hgn_tf.networks.factors import CholeskyFactor, Friction, InputMatrix, triangular
from hgn_tf.networks.fields import VectorField
from hgn_tf.networks.mlp import mlp, orthogonal_mlp
from hgn_tf.networks.upsampling import UpsampleConv

__all__ = ["CholeskyFactor", "ConvEnergy", "CoordinateDecoder", "Decoder", "DifferenceDecoder", "Encoder",
           "FlatGridEnergy", "Friction", "ImageDecoder", "InputMatrix", "MLPEnergy", "OscillatorEnergy",
           "QuadraticKinetic", "ResidualDecoder", "ResidualMLP", "UpsampleConv", "VectorDecoder", "VectorEncoder",
           "VectorField", "WindowEncoder", "conv_stack", "mlp", "orthogonal_mlp", "triangular"]
