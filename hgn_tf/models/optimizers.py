"""The optimizer that a configuration describes."""

import keras


def adam(config, **options):
  """Adam with the learning-rate schedule of a config.

  Args:
    config: with learning_rate, learning_rate_decay ("constant", or "cosine" to 0 after `steps`) and steps;
      warmup_steps, where it has them, rise linearly to the learning rate first.
    **options: of `keras.optimizers.Adam`.
  """
  rate, warmup = config.learning_rate, getattr(config, "warmup_steps", 0)
  if config.learning_rate_decay == "cosine":
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else rate, config.steps, warmup_steps=warmup, warmup_target=rate if warmup else None)
  return keras.optimizers.Adam(rate, **options)
