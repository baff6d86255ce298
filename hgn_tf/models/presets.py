"""Named, frozen configurations: `presets.get("hgn")`.

Above each preset stand the command that trains it, how long that took, and what it reached.
"""

import dataclasses

from hgn_tf.models.compact_config import CompactHGNConfig
from hgn_tf.models.compact_variants import CompactVariantConfig
from hgn_tf.models.hgn_config import HGNConfig
from hgn_tf.models.hgn_plus_plus_config import HGNPlusPlusConfig
from hgn_tf.models.hnn_config import HNNConfig
from hgn_tf.models.latent_ode_config import LatentODEConfig
from hgn_tf.models.latent_rnn_config import LatentRNNConfig
from hgn_tf.models.nhf_config import NHFConfig
from hgn_tf.models.pixel_hnn_config import PixelHNNConfig
from hgn_tf.models.real_nvp_config import RealNVPConfig

# The authors' released architecture, trained by the recipe of docs/convergence.md.
# hgn-reproduce hgn --rows=hgn --steps=1300: 20 core-minutes a system, relative excess 0.008, 0.081, 0.021, 0.098.
# --steps=15000: an hour of one fast core, -0.027, -0.001, 0.006, 0.010.
_HGN = HGNConfig(name="hgn")

# The same network trained as the paper writes it: all frames, unit posterior, plain energies, GECO from multiplier 1.
_PAPER_RECIPE = dict(
    energy_residual=False, multiplier=1.0, multiplier_bounds=(1e-3, 1e6), kl_warmup=None, log_std_offset=0.0,
    log_std_rise=None, frames_per_step=None, horizon_steps=0, learning_rate=1.5e-4, learning_rate_decay="constant",
    clip_norm=None, kernel_initializer="glorot_uniform", centre_frames=False, prior_rank=0)

# Appendix A.1 to the letter where it speaks. Kernels 3x3; three encoder layers of stride 2; 24 means and 24 log stds;
# 1x1 projections to the 32 channels of (q, p) and to the one channel of each energy. The deeper encoder needs a KL from
# the start and a rising learning rate: without, its log std goes through the roof within ten steps.
# hgn-reproduce hgn --rows=hgn_appendix --steps=2000: 16 minutes of one fast core, -0.002, 0.050, 0.014, 0.073.
_APPENDIX = dict(
    encoder=((32, 3, 1), (64, 3, 2), (64, 3, 1), (64, 3, 2), (64, 3, 1), (64, 3, 2), (64, 3, 1), (48, 3, 1)),
    transform=((64, 3, 1), (64, 3, 1), (64, 3, 1), (32, 1, 1)),
    energy=((64, 3, 1),) * 6 + ((1, 1, 1),),
    decoder="residual", kl_warmup=None, learning_rate=5e-4, warmup_steps=200)

# Five minutes on two cores for a small noiseless dataset: relative excess 0.05 on mass_spring, but its
# posterior stays narrow: what it samples comes from the fitted prior. `make demo` trains it.
_DEMO = dict(steps=480, horizon_steps=8, kappa=2e-4, kl_warmup=(150, 300), log_std_rise=None)

_HGN_PRESETS = {
    "hgn": {},
    "hgn_64": dict(size=64),  # python -m benchmarks.sizes: seconds a step and memory
    "hgn_128": dict(size=128),
    "hgn_demo": _DEMO,
    "hgn_paper_recipe": _PAPER_RECIPE,
    "hgn_appendix": _APPENDIX,
    "hgn_euler": dict(method="euler"),
    "hgn_determ": dict(deterministic=True),
    "hgn_no_fpsi": dict(transform=()),
}

# The law behind the film: docs/law.md. One pair for mass_spring and pendulum, two for two_body, six for three_body.
# hgn-reproduce law --datasets=D --steps=N, N = 3,000, 5,000, 12,000, 30,000: 4, 7, 16, 48 core-minutes; right for
# 119, 74, 119, 45 frames of 121 ahead, 121, 65, 116, 43 back, medians of three seeds (three_body: one).
# Films of a camera: python -m benchmarks.own_videos; times and results: docs/own_videos.md.
_COMPACT_PRESETS = {"hgn_compact": {}, "hgn_compact_video": dict(draw_difference=True, units=48, steps=6000)}
_COMPACT_VARIANTS = {"hgn_compact_variant": {}}  # of the ablation

# HGN++ (Botev et al. 2021): 5 frames in, the next 60 out, half of the films backward, for films of 65 frames. The
# recipe of days on a GPU, which takes all frames in each of 500,000 steps: hgn_plus_plus_paper_recipe.
# hgn-reproduce follow_up --rows=hgn_plus_plus; times and results: docs/follow_up.md.
_HGN_PLUS_PLUS_PRESETS = {
    "hgn_plus_plus": {},
    "hgn_plus_plus_paper_recipe": dict(
        energy_residual=False, log_std_offset=0.0, frames_per_step=None, horizon_steps=0, steps=500_000,
        batch_size=128, learning_rate=1.5e-4, learning_rate_decay="constant", clip_norm=None,
        kernel_initializer="glorot_uniform", centre_frames=False, prior_rank=0),
}

# What a compact HGN is compared with: its encoder, decoder and training, another law.
# hgn-reproduce follow_up --rows=latent_ode,latent_rnn; times and results: docs/follow_up.md.
_LATENT_ODE_PRESETS, _LATENT_RNN_PRESETS = {"latent_ode": {}}, {"latent_rnn": {}}

# HNN's tasks (Greydanus et al. 2019), with the hyper-parameters of its repository.
# hgn-reproduce hnn --tasks=mass_spring,...; times and results of every one: docs/hnn.md.
_ORBITS = dict(steps=10_000, batch_size=200, weight_decay=0.0)
_HNN_PRESETS = {
    "hnn_mass_spring": {},
    "hnn_pendulum": {},
    "hnn_real_pendulum": dict(weight_decay=1e-5),
    "hnn_two_body": _ORBITS,
    "hnn_three_body": {**_ORBITS, "batch_size": 600, "weight_decay": 1e-4},
    "hnn_mass_spring_friction": {},
    "hnn_pendulum_friction": {},
}

# The paper's pixel baselines (A.3); embedding 2, 2, 8, 12 for the four systems. Small balls on a large canvas make L_AE
# small: with its weight at 1 the code shrinks until weight decay wins over L_HNN, and no dynamics are learned.
# python -m benchmarks.pixel_hnn: relative excess over 30 frames of the pendulum that swings at most 30 degrees.
_SMALL_BALLS = dict(autoencoder_weight=50.0)
_PIXEL_HNN_PRESETS = {
    # hgn-train --preset=pixel_hnn --dataset=two_body --set='{"embedding": 8}' --workdir=W
    "pixel_hnn": _SMALL_BALLS,
    "pixel_hnn_conv": dict(autoencoder="conv", **_SMALL_BALLS),
    # HNN's pixel pendulum: gymnasium frames, three at a time.
    "pixel_hnn_gym": dict(num_frames=3, size=28, channels=1, steps=10_000, batch_size=200),
}

# Densities. python -m benchmarks.density; times and results of every one: docs/density.md.
_NHF_PRESETS = {
    "nhf": {},
    "nhf_one_step": dict(num_steps=1),
    "nhf_mlp": dict(energy="mlp"),
    # Deeper potentials, an encoder that is a mixture, few momenta and many steps.
    "nhf_mixture": dict(method="symplectic_euler", hidden=(48, 48, 48), encoder="mixture", encoder_hidden=(96, 96),
                        train_samples=4, beta_2=0.99, steps=12_000),
    # Section 3.3 and A.2 to the letter: one momentum, MLPs of 128, Adam 3e-4; dt and the prior's shape are not given.
    "nhf_paper": dict(energy="mlp", hidden=(128, 128), encoder_hidden=(128, 128), prior="soft_uniform", frequency=1.0,
                      dt=0.5, learn_dt=False, train_samples=1, batch_size=512, learning_rate=3e-4),
}
_REAL_NVP_PRESETS = {"real_nvp": {}, "real_nvp_2": dict(layers=2)}

PRESETS = {
    name: dataclasses.replace(config, name=name, **changes)
    for config, changed in ((_HGN, _HGN_PRESETS), (CompactHGNConfig(), _COMPACT_PRESETS),
                            (CompactVariantConfig(), _COMPACT_VARIANTS),
                            (HGNPlusPlusConfig(), _HGN_PLUS_PLUS_PRESETS), (LatentODEConfig(), _LATENT_ODE_PRESETS),
                            (LatentRNNConfig(), _LATENT_RNN_PRESETS), (HNNConfig(), _HNN_PRESETS),
                            (PixelHNNConfig(), _PIXEL_HNN_PRESETS),
                            (NHFConfig(), _NHF_PRESETS), (RealNVPConfig(), _REAL_NVP_PRESETS))
    for name, changes in changed.items()}


def names():
  """The known presets, sorted."""
  return sorted(PRESETS)


def get(name, /, **changes):
  """The preset called `name`, with `changes` to its fields.

  Raises:
    ValueError: unknown name (lists the known ones), unknown field, or a value that the field does not take.
  """
  if name not in PRESETS:
    raise ValueError(f"Unknown preset {name!r}; known: {', '.join(names())}.")
  preset = PRESETS[name]
  known = [field.name for field in dataclasses.fields(preset)]
  unknown = sorted(set(changes) - set(known))
  if unknown:
    raise ValueError(f"Preset {name!r} has no field {', '.join(unknown)}; known: {', '.join(known)}.")
  return dataclasses.replace(preset, **changes)
