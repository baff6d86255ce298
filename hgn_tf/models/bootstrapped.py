"""An HGN that goes on beyond its films, because its own shorter rollouts teach the longer ones."""

import dataclasses

import keras
import tensorflow as tf

from hgn_tf.models import objectives, replicas, rules
from hgn_tf.models.hgn import HGN, rise
from hgn_tf.models.hgn_config import HGNConfig
from hgn_tf.models.objective_model import weighted_mean


@dataclasses.dataclass(frozen=True)
class BootstrappedHGNConfig(HGNConfig):
  """What a `BootstrappedHGN` has besides an HGN.

    context: frames that the encoder sees, the first ones of a film.
    reach: frames beyond either end of the film that the last step trains; 0: none.
    reach_rise: (first, last) step of the rise to `reach`, from num_frames - context.
    frames_beyond: random frames beyond the film in a step.
  """

  name: str = "hgn_bootstrapped"
  context: int = 16
  reach: int = 75
  reach_rise: tuple = (400, 1700)
  frames_beyond: int = 4

  RULES = {
      "reach": rules.at_least(0),
      "reach_rise": rules.RISE,
      "frames_beyond": rules.at_least(1),
  }

  def __post_init__(self):
    super().__post_init__()
    self._check("context", rules.within(1, self.num_frames - 1))

  @property
  def seen_shape(self):
    return (self.context, *self.frame_shape[1:])


@keras.saving.register_keras_serializable(package="hgn_tf")
class BootstrappedHGN(HGN):
  """An HGN whose rollouts stay right for longer than the films that it is trained on.

  The error over the frames of a film asks for no law: any path through the latent space does, if the decoder knows its
  points, and after the last frame such a path leads nowhere. Here the encoder sees a window of `context` frames, at a
  random place, and the rollout goes both ways to the ends of the film. Beyond them it learns to show what a rollout
  from the film's outermost window shows, which has less far to go: past the last frame from the last window, before the
  first one from the first. Film by film the reach of the better rollouts becomes that of all (as in temporal
  difference learning, Sutton 1988). It takes for granted that a window may come from any time of the motion.

  Args:
    config: BootstrappedHGNConfig, or its dict.
  """

  config_class = BootstrappedHGNConfig
  jit_on_gpu = False

  def compile(self, optimizer=None, loss=None, *, jit_compile=None, **kwargs):
    """`HGN.compile`, never jit-compiled.

    Raises:
      ValueError: jit_compile, for the lengths of the rollouts change from step to step.
    """
    if jit_compile and jit_compile != "auto":
      raise ValueError("jit_compile must be False: the rollouts of a BootstrappedHGN change their length from step to "
                       f"step, which XLA does not take; got {jit_compile!r}.")
    super().compile(optimizer, loss, jit_compile=jit_compile, **kwargs)

  def objective(self, frames, step, weights=None):
    c = self.config
    seeds = tf.random.split(tf.stack([c.seed, step]), 4)
    start = tf.random.stateless_uniform([], seeds[2], 0, c.num_frames - c.context + 1, tf.int32)
    beyond = self.reach_at(step)
    mean, log_std = self._posterior(self._window(frames, start))
    state = self.initial_state(self._draw(mean, log_std, seeds[0]))
    back, on = self.rollout(state, start + beyond, -c.dt).q, self.rollout(state, c.num_frames - 1 - start + beyond).q
    before, film, after = tf.split(tf.concat([back[:, :0:-1], on], axis=1), [beyond, c.num_frames, beyond], axis=1)
    mse = self._film_error(film, frames, step, seeds[1], start, weights)
    kl = weighted_mean(objectives.gaussian_kl(mean, log_std), weights)
    extra = tf.cond(beyond > 0, lambda: self.error_beyond(before, after, frames, seeds[3], weights),
                    lambda: tf.zeros([], mse.dtype))
    return mse, kl, self._lagrangian(mse, kl, step) + extra * c.size * c.size * c.channels

  def _window(self, frames, start):
    """The `context` frames from `start` on."""
    return tf.gather(frames, start + tf.range(self.config.context), axis=1)

  def reach_at(self, step):
    """Frames beyond either end of the film that a step trains."""
    c = self.config
    nearest = min(c.num_frames - c.context, c.reach)
    rising = nearest + tf.cast((c.reach - nearest) * rise(c.reach_rise, step, 1.0), tf.int32)
    return tf.where(step < c.reach_rise[0], 0, rising)

  def error_beyond(self, before, after, frames, seed, weights=None):
    """Squared error of random frames beyond the film against those of rollouts from its outermost windows.

    Args:
      before: positions of the frames before the film, in the order of time.
      after: positions of as many frames after it.
      frames: the film.
      seed: of the choice of frames.
      weights: of the films, [batch] with a mean of 1, or None.
    """
    c = self.config
    beyond = tf.shape(after)[1]
    first, last = (self.initial_state(self._posterior(self._window(frames, start))[0])
                   for start in (0, c.num_frames - c.context))
    back, on = self.rollout(first, beyond, -c.dt).q, self.rollout(last, c.context - 1 + beyond).q
    indices = replicas.rows_of_replica(
        lambda rows: tf.random.stateless_uniform([rows, c.frames_beyond], seed, 0, 2 * beyond, tf.int32),
        tf.shape(frames)[0])
    shown, target = (self.decode(tf.gather(tf.concat(parts, axis=1), indices, batch_dims=1))
                     for parts in ((before, after), (back[:, :0:-1], on[:, c.context:])))
    return objectives.squared_error(shown, tf.stop_gradient(target), film_weights=weights)
