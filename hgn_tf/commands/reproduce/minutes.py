"""The flag of commands that give rows equal times."""

from absl import flags

MINUTES = flags.DEFINE_float("minutes", None, "Of one core that each run trains for, where --steps is not given.",
                             lower_bound=0.0)
