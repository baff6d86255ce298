"""The distribution that an HGN draws z from."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.cluster.vq import kmeans2

FILMS_PER_COMPONENT = 32  # a Gaussian through fewer encoded films is hardly more than a copy of them
_LEAST = 1e-6  # share of a component, and distance of a number from 0 and 1


@keras.saving.register_keras_serializable(package="hgn_tf")
class MixturePrior(keras.layers.Layer):
  """Standard normal noise to z: N(0, 1) as in the paper until `fit`, then a mixture of Gaussians through encoded films.

  z = mean + std * noise + (centre_c + factor_c noise_1..rank) basis, c drawn by the next number of the noise (by the
  first one, where there is no next). Latents gather around a curved surface long before their law becomes N(0, 1), and
  nothing that lies apart from it was ever decoded (density estimation after training: Ghosh et al., ICLR 2020). One
  Gaussian is not enough: samples of two bodies are 4.6 times as far from test films as data, those of 64 Gaussians 0.85
  times (docs/results.md).

  Args:
    rank: principal directions that z varies in; fewer where z has not so many numbers.
    components: Gaussians of the mixture; fewer where there are fewer than FILMS_PER_COMPONENT films for each.
  """

  def __init__(self, rank, components, **kwargs):
    super().__init__(**kwargs)
    self.rank, self.components = rank, components

  def build(self, noise_shape):
    size = int(np.prod(noise_shape[1:]))
    rank, count = min(self.rank, size), self.components
    fixed = dict(trainable=False, autocast=False)
    self.mean = self.add_weight(name="mean", shape=(size,), initializer="zeros", **fixed)
    self.std = self.add_weight(name="std", shape=(), initializer="ones", **fixed)
    self.basis = self.add_weight(name="basis", shape=(rank, size), initializer="zeros", **fixed)
    self.centres = self.add_weight(name="centres", shape=(count, rank), initializer="zeros", **fixed)
    self.factors = self.add_weight(name="factors", shape=(count, rank, rank), initializer="zeros", **fixed)
    self.cumulative = self.add_weight(name="cumulative", shape=(count,), initializer="ones", **fixed)

  def call(self, noise):
    mean, std, basis, centres, factors, cumulative = map(tf.convert_to_tensor, (
        self.mean, self.std, self.basis, self.centres, self.factors, self.cumulative))
    rank = basis.shape[0]
    flat = tf.ensure_shape(tf.reshape(noise, [-1, basis.shape[1]]), [None, basis.shape[1]])
    normal = tfp.distributions.Normal(tf.zeros([], flat.dtype), 1.0)
    local = flat[:, :rank]
    uniform = normal.cdf(flat[:, rank % flat.shape[1]])
    component = tf.reduce_sum(tf.cast(uniform[:, None] > cumulative[:-1], tf.int32), axis=1)
    if rank == flat.shape[1]:  # no number is left: what the first one says within its component's share is as good
      low, high = (tf.gather(x, component) for x in (tf.pad(cumulative[:-1], [[1, 0]]), cumulative))
      inner = tf.clip_by_value((uniform - low) / tf.maximum(high - low, _LEAST), _LEAST, 1.0 - _LEAST)
      local = tf.concat([normal.quantile(inner)[:, None], local[:, 1:]], axis=1)
    local = tf.gather(centres, component) + tf.linalg.matvec(tf.gather(factors, component), local)
    return tf.reshape(mean + std * flat + tf.matmul(local, basis), tf.shape(noise))

  def fit(self, z):
    """Takes the mean and leading principal directions of z, [n, ...], and a Gaussian of each of its k-means clusters.

    Raises:
      ValueError: fewer than two z, or some that are not finite.
    """
    z = np.asarray(z, np.float64)
    if len(z) < 2 or not np.isfinite(z).all():
      raise ValueError(f"z must hold at least 2 finite latents, got {len(z)}.")
    z = z.reshape(len(z), -1)
    mean = z.mean(axis=0)
    _, _, directions = np.linalg.svd(z - mean, full_matrices=False)
    basis = np.zeros(self.basis.shape)
    basis[:len(directions)] = directions[:len(basis)]
    local = (z - mean) @ basis.T
    centres, factors, counts = (np.zeros(w.shape) for w in (self.centres, self.factors, self.cumulative))
    count = int(np.clip(len(z) // FILMS_PER_COMPONENT, 1, self.components))
    _, cluster = kmeans2(local, count, minit="++", rng=0)
    for i in np.unique(cluster):
      members = local[cluster == i]
      centres[i], counts[i] = members.mean(axis=0), len(members)
      factors[i] = _root(np.cov(members.T, ddof=0).reshape(factors[i].shape))
    for weight, value in ((self.mean, mean), (self.std, 0.0), (self.basis, basis), (self.centres, centres),
                          (self.factors, factors), (self.cumulative, np.cumsum(counts) / len(z))):
      weight.assign(value)

  def get_config(self):
    return {**super().get_config(), "rank": self.rank, "components": self.components}


def _root(covariance):
  """The symmetric square root of a covariance that may be singular."""
  lengths, directions = np.linalg.eigh(covariance)
  return directions * np.sqrt(np.maximum(lengths, 0.0)) @ directions.T
