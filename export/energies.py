"""The energies of an HGN for serving: matrices made at export, and the gradient written out."""

import tensorflow as tf

from hgn_tf.networks import ConvEnergy
from hgn_tf.networks.conv_matrices import affine_maps, affine_product


def served(energy):
  """The `ServedEnergy` of a hgn_tf.networks.ConvEnergy; any other, or one of too large matrices, as it is."""
  maps = affine_maps(energy.net.layers) if isinstance(energy, ConvEnergy) else None
  return energy if maps is None else ServedEnergy(energy, maps)


class ServedEnergy:
  """`ConvEnergy.dense` whose matrices are variables, filled here, and which knows its gradient.

  One film is bound by the number of operations, not by their size. A loop passes a captured tensor on in three
  operations a step and reads a variable in one, and a tape adds its own: integration takes 0.82 to 0.89 of the time
  that it takes with captured matrices under a tape.

  Args:
    conv_energy: hgn_tf.networks.ConvEnergy.
    maps: (matrix, bias) of each of its convolutions.

  Attributes:
    variables: what it reads.
  """

  def __init__(self, conv_energy, maps):
    self._layer = conv_energy
    self._maps = [tuple(tf.Variable(x, trainable=False) for x in pair) for pair in maps]
    self._slope = tf.Variable(tf.reduce_sum(maps[-1][0], axis=1), trainable=False)  # of the sum over outputs
    self.variables = [*(x for pair in self._maps for x in pair), self._slope]

  def __call__(self, x):
    """E(x), [batch, h, w, c] -> [batch]."""
    *maps, last = self._read()
    hidden = _hidden(x, maps)
    return self._layer.total(x, affine_product(tf.nn.softplus(hidden[-1]) if hidden else x, *last))

  def gradient(self, x):
    """dE/dx, [batch, h, w, c]."""
    maps = self._read()[:-1]
    g = tf.convert_to_tensor(self._slope)
    for (matrix, _), a in zip(reversed(maps), reversed(_hidden(x, maps)), strict=True):
      g = g * tf.sigmoid(tf.reshape(a, [-1, g.shape[-1]]))
      g = tf.matmul(tf.reshape(g, [-1, matrix.shape[1]]), matrix, transpose_b=True)
    g = tf.reshape(g, [-1, *x.shape[1:]])
    return g + x if self._layer.residual else tf.broadcast_to(g, tf.shape(x))

  def _read(self):
    return [tuple(map(tf.convert_to_tensor, pair)) for pair in self._maps]


def _hidden(x, maps):
  """What goes into each softplus."""
  hidden = []
  for pair in maps:
    hidden.append(affine_product(tf.nn.softplus(hidden[-1]) if hidden else x, *pair))
  return hidden
