"""Normal numbers that cover their space evenly, for integrals over momenta."""

import tensorflow as tf

_LEAST = 1e-7  # distance of a uniform number from 0 and 1


def quasi_normal(rows, draws, size, seed, strata=1, dtype="float32"):
  """Standard normal numbers of randomised quasi-Monte Carlo, [rows, draws, size].

  In every row and stratum a Sobol net, moved around the unit cube by a random shift of its own (Cranley and Patterson
  1976), through the normal quantile function. Each number is N(0, 1), so that means over draws are unbiased, and log of
  a mean of weights stays a lower bound on average; means err less than those of independent numbers.

  Args:
    rows, draws: ints or int32 scalars.
    size: int, at most 21,200, as many as TensorFlow has Sobol nets of.
    seed: int32 [2].
    strata: draws k belong to stratum k mod strata, and are spread evenly within each.
    dtype: of the numbers.
  """
  of_each = (draws + strata - 1) // strata
  net = tf.pad(tf.math.sobol_sample(size, of_each, dtype=dtype), [[1, 0], [0, 0]])[:of_each]  # its first point is not 0
  net = tf.reshape(net, [1, of_each, 1, size])
  shift = tf.random.stateless_uniform(tf.stack([rows, 1, strata, size]), seed, dtype=dtype)
  uniform = tf.clip_by_value(tf.math.floormod(net + shift, 1.0), _LEAST, 1.0 - _LEAST)
  return tf.reshape(tf.math.ndtri(uniform), tf.stack([rows, of_each * strata, size]))[:, :draws]
