"""Losses: the HGN objective with GECO. Pure functions."""

import tensorflow as tf


def gaussian_kl(mean, log_std):
  """KL(N(mean, std) || N(0, 1)) summed over all but the batch axis, in nats; [batch, ...] -> [batch]."""
  terms = 0.5 * (tf.square(mean) + tf.exp(2.0 * log_std) - 1.0) - log_std
  return tf.reduce_sum(terms, axis=list(range(1, terms.shape.rank)))


def squared_error(prediction, target, weights=None, film_weights=None):
  """Mean squared error per pixel of frames.

  Args:
    prediction: [batch, time, height, width, channels].
    target: same shape.
    weights: [batch, time], or None for equal weights; a frame of weight 0 does not count.
    film_weights: [batch] with a mean of 1, that films count by, or None.

  Returns:
    Scalar, sum_i w_i ||x_i - y_i||^2 / (sum_i w_i * height * width * channels).
  """
  per_frame = tf.reduce_mean(tf.square(prediction - target), axis=(2, 3, 4))
  if film_weights is not None:
    per_frame *= film_weights[:, None]
  if weights is None:
    return tf.reduce_mean(per_frame)
  return tf.reduce_sum(per_frame * weights) / tf.reduce_sum(weights)


def geco_loss(mse, kl, multiplier, kappa):
  """multiplier * (mse - kappa) + kl: minimise kl subject to mse <= kappa (Rezende & Viola 2018, paper A.1).

  Args:
    mse: squared error per pixel.
    kl: nats, divided by the number of pixels of a sequence, as `mse` is.
    multiplier: Lagrange multiplier, 1 / (2 variance of a pixel) of the equivalent ELBO.
    kappa: tolerated mse.
  """
  return multiplier * (mse - kappa) + kl


def geco_update(multiplier, average, mse, *, kappa, rate, decay, bounds):
  """One update of the multiplier by the moving average of the constraint (Rezende & Viola 2018, algorithm 1).

  average' = decay * average + (1 - decay) * (mse - kappa)
  multiplier' = multiplier * exp(rate * clip(average' / kappa, -1, 1)), within `bounds`

  Returns:
    (multiplier', average').
  """
  average = decay * average + (1.0 - decay) * (mse - kappa)
  growth = tf.exp(rate * tf.clip_by_value(average / kappa, -1.0, 1.0))
  return tf.clip_by_value(multiplier * growth, *bounds), average


def draw_frames(keys, count, wanted):
  """Draws `count` distinct frames of each sequence, uniformly among those `wanted`.

  Args:
    keys: uniform random numbers in [0, 1), [batch, num_frames].
    count: frames to draw, at most num_frames.
    wanted: bool [num_frames]; the others get weight 0, and are drawn only where fewer than `count` are wanted.

  Returns:
    (indices [batch, count] int32, weights [batch, count] of 0 or 1).
  """
  wanted = tf.cast(wanted, keys.dtype)
  indices = tf.math.top_k(keys + wanted, count, sorted=True).indices
  return indices, tf.gather(wanted, indices)
