"""The distribution that an HGN draws z from."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="hgn_tf")
class GaussianPrior(keras.layers.Layer):
  """Standard normal noise to z: mean + std * noise + sum_k noise_k basis_k.

  N(0, 1) as in the paper until `fit`, which makes it the Gaussian through encoded films: their latents gather around a
  few directions long before their law becomes N(0, 1), and nothing that lies apart from them was ever decoded (density
  estimation after training: Ghosh et al., ICLR 2020).

  Args:
    rank: directions of the fitted Gaussian.
  """

  def __init__(self, rank, **kwargs):
    super().__init__(**kwargs)
    self.rank = rank

  def build(self, noise_shape):
    fixed = dict(dtype="float32", trainable=False, autocast=False)
    self.mean = self.add_weight(name="mean", shape=noise_shape[1:], initializer="zeros", **fixed)
    self.std = self.add_weight(name="std", shape=(), initializer="ones", **fixed)
    self.basis = self.add_weight(name="basis", shape=(self.rank, *noise_shape[1:]), initializer="zeros", **fixed)

  def call(self, noise):
    first = tf.reshape(noise, [-1, int(np.prod(noise.shape[1:]))])[:, :self.rank]
    mean, std, basis = (tf.convert_to_tensor(weight) for weight in (self.mean, self.std, self.basis))
    return mean + std * noise + tf.tensordot(first, basis, 1)

  def fit(self, z):
    """Takes mean and leading principal directions of z, [n, ...].

    Raises:
      ValueError: fewer than two z, or some that are not finite.
    """
    z = np.asarray(z, np.float64)
    if len(z) < 2 or not np.isfinite(z).all():
      raise ValueError(f"z must hold at least 2 finite latents, got {len(z)}.")
    mean = z.mean(axis=0)
    _, lengths, directions = np.linalg.svd((z - mean).reshape(len(z), -1) / np.sqrt(len(z)), full_matrices=False)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])  # svd leaves them open
    basis = np.zeros(self.basis.shape)
    rows = min(self.rank, len(lengths))
    basis[:rows] = ((signs * lengths)[:, None] * directions)[:rows].reshape(rows, *z.shape[1:])
    self.mean.assign(mean)
    self.basis.assign(basis)
    self.std.assign(0.0)

  def get_config(self):
    return {**super().get_config(), "rank": self.rank}
