"""NHFs of a density that is known up to a constant: reverse KL, importance samples, and coordinates for other samplers.

A log density of positions becomes one of phase space, log gamma(q) + log f(p | q), by the encoder's momenta: its
positions are those asked for, whatever f is.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.models import optimizers
from hgn_tf.models.watch import NotFinite

tfb, tfd = tfp.bijectors, tfp.distributions
_COLDEST = 0.1  # inverse temperature where annealing starts


def phase_log_prob(model, log_density):
  """log gamma(q) + log f(p | q) of states [batch, 2d], as a function; log gamma(q, p) where the model is `joint`."""
  if model.config.joint:
    return log_density
  size = model.config.event_size
  return lambda states: (log_density(states[..., :size])
                         + model.encode(states[..., :size]).log_prob(states[..., size:]))


def phase_bijector(model):
  """(q_0, p_0) -> (points, momenta), a bijector of [..., 2d]: the flow, and points in their own units."""
  flow = model.hamiltonian_flow(skip_last_kick=not model.config.joint)
  if model.config.joint:
    return tfb.Chain([model.coordinates, flow])
  return tfb.Chain([tfb.Blockwise([model.coordinates, tfb.Identity()], 2 * [model.config.event_size]), flow])


def fit(model, log_density, steps, batch_size, annealing, verbose):
  """Minimises E[log model(s) - log gamma(s)] over states s of the model; the loss of each step, [steps].

  The loss is the reverse KL less log of the target's integral. The target rises to its own from
  gamma^(1/10) N^(9/10), N a standard normal of standardised points, over the first part of the steps.
  """
  if model.context_size:
    raise ValueError(f"fit_to takes no conditional model, got context_size={model.context_size}.")
  if not 0.0 <= annealing <= 1.0:
    raise ValueError(f"annealing must be in [0, 1], a part of the steps, got {annealing}.")
  config = dataclasses.replace(model.config, **({} if steps is None else {"steps": steps}),
                               **({} if batch_size is None else {"batch_size": batch_size}))
  _look(model, log_density, config.batch_size)
  optimizer = optimizers.adam(config, global_clipnorm=config.clip_norm, beta_2=config.beta_2)
  optimizer.build(model.trainable_variables)
  target, normal = phase_log_prob(model, log_density), tfd.Normal(tf.zeros([], model.variable_dtype), 1.0)
  losses, bar = [], keras.utils.Progbar(config.steps, verbose=verbose)

  @tf.function(autograph=False)
  def train_step(step, heat):
    start = model.prior.sample(config.batch_size, seed=tf.stack([config.seed, step]))
    with tf.GradientTape() as tape:
      states = phase_bijector(model).forward(start)
      points = states[..., :model.point_size]
      cold = tf.reduce_sum(normal.log_prob(model.standardise(points)), axis=-1) - log_density(points)
      loss = tf.reduce_mean(model.prior.log_prob(start) - model.log_volume(points) - target(states) - heat * cold)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables],
                              unconnected_gradients=tf.UnconnectedGradients.ZERO)
    optimizer.apply(gradients, model.trainable_variables)
    return loss

  for step in range(config.steps):
    heat = (1 - _COLDEST) * max(0.0, 1 - step / (annealing * config.steps)) if annealing else 0.0
    losses.append(float(train_step(tf.constant(step), tf.constant(heat, model.variable_dtype))))
    if not np.isfinite(losses[-1]):
      raise NotFinite(f"The loss became {losses[-1]} at step {step}: log_density is not finite, or has no finite "
                      "integral, where the model's points have come to. Try a smaller learning rate.")
    bar.update(step + 1, [("loss", losses[-1])])
  return np.array(losses)


def importance_sample(model, log_density, n, seed):
  """(points [n, d], log weights [n]): mean_i w_i g(x_i) estimates the integral of gamma g; without g, of gamma."""
  start = model.prior.sample(n, seed=seed)
  states = phase_bijector(model).forward(start)
  points = states[..., :model.point_size]
  return points, phase_log_prob(model, log_density)(states) - model.prior.log_prob(start) + model.log_volume(points)


def _look(model, log_density, n):
  """Raises a ValueError where log_density does not give a finite number for each point of the untrained model."""
  points = model.sample(n, seed=0)
  value = tf.convert_to_tensor(log_density(points))
  if value.shape != (n,):
    raise ValueError(f"log_density must return one number for each point, shape ({n},), got {tuple(value.shape)} of "
                     f"points of shape {tuple(points.shape)}.")
  bad = int(np.sum(~np.isfinite(value)))
  if bad:
    raise ValueError(f"log_density must be finite where the model starts, got NaN or infinity at {bad} of {n} points; "
                     "`adapt` says where that is.")
