"""Named, frozen configurations: `presets.get("hgn")`.

Above each preset stand the command that trains it, how long that took, and what it reached.
"""

import dataclasses

from hgn_tf.models.config import HGNConfig

# The authors' released architecture, trained by the recipe of docs/convergence.md.
# hgn-train --preset=hgn --dataset=mass_spring --workdir=W
_HGN = HGNConfig(name="hgn")

# The same network trained as the paper writes it: all frames, unit posterior, plain energies, GECO from multiplier 1.
_PAPER_RECIPE = dict(
    energy_residual=False, multiplier=1.0, multiplier_bounds=(1e-3, 1e6), kl_warmup=None, log_std_offset=0.0,
    frames_per_step=None, horizon_steps=0, learning_rate=1.5e-4, learning_rate_decay="constant", clip_norm=None,
    kernel_initializer="glorot_uniform")

# Appendix A.1 to the letter where it speaks. Kernels 3x3; three encoder layers of stride 2; 24 means and 24 log stds;
# 1x1 projections to the 32 channels of (q, p) and to the one channel of each energy.
_APPENDIX = dict(
    encoder=((32, 3, 1), (64, 3, 2), (64, 3, 1), (64, 3, 2), (64, 3, 1), (64, 3, 2), (64, 3, 1), (48, 3, 1)),
    transform=((64, 3, 1), (64, 3, 1), (64, 3, 1), (32, 1, 1)),
    energy=((64, 3, 1),) * 6 + ((1, 1, 1),),
    decoder="residual")

# Five minutes on two cores for a small noiseless dataset: relative excess 0.05 on mass_spring, but its
# posterior is still narrow: samples from the prior need a longer training. `make demo` trains it.
_DEMO = dict(steps=480, frames_per_step=4, horizon_steps=8, kappa=2e-4, kl_warmup=(150, 300), multiplier=1e3,
             multiplier_bounds=(1.0, 1e3))

_HGN_PRESETS = {
    "hgn": {},
    "hgn_demo": _DEMO,
    "hgn_paper_recipe": _PAPER_RECIPE,
    "hgn_appendix": _APPENDIX,
    "hgn_euler": dict(method="euler"),
    "hgn_determ": dict(deterministic=True),
    "hgn_no_fpsi": dict(transform=()),
}

PRESETS = {name: dataclasses.replace(_HGN, name=name, **changes) for name, changes in _HGN_PRESETS.items()}


def names():
  """The known presets, sorted."""
  return sorted(PRESETS)


def get(name, **changes):
  """The preset called `name`, with `changes` to its fields.

  Raises:
    ValueError: unknown name (lists the known ones) or unknown field.
  """
  if name not in PRESETS:
    raise ValueError(f"Unknown preset {name!r}; known: {', '.join(names())}.")
  preset = PRESETS[name]
  known = [field.name for field in dataclasses.fields(preset)]
  unknown = sorted(set(changes) - set(known))
  if unknown:
    raise ValueError(f"Preset {name!r} has no field {', '.join(unknown)}; known: {', '.join(known)}.")
  return dataclasses.replace(preset, **changes)
