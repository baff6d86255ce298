"""hgn-figures: makes the figures of the paper.

Example:
  hgn-figures datasets --out=figures
"""

import pathlib

import numpy as np
from absl import flags

from hgn_tf import physics
from hgn_tf.commands import cli
from hgn_tf.evaluation.plots import datasets
from hgn_tf.training import progress

_PIXEL_HNN = pathlib.Path("results/pixel_hnn_films")  # of a checkout; benchmarks/pixel_hnn_films.py writes it


def _datasets(folder):
  """Paper figure 5: the true Hamiltonians with trajectories, and frames."""
  specs = {name: physics.default_spec(name) for name in physics.PAPER}
  overview = folder / "datasets.png"
  datasets.overview(overview, specs)
  strips = {folder / f"{name}.png": spec for name, spec in specs.items()}
  for path, spec in progress.track(strips.items(), "Films", unit="systems"):
    datasets.strip(path, spec)
  return [overview, *strips]


def _phase_space(folder):
  """The data of the HNN experiments."""
  path = folder / "phase_space.png"
  datasets.tasks(path, ["mass_spring", "pendulum", "two_body", "three_body"])
  return [path]


def _density(folder):
  """Paper figures 9 and 13: trained Neural Hamiltonian Flows, and the phase-space volume under integrators."""
  from hgn_tf import pretrained  # slow: TensorFlow
  from hgn_tf.evaluation import density_pictures
  from hgn_tf.flows import distributions
  paths = []
  flows = [name for name in pretrained.names() if name.startswith("nhf_")]
  for name in progress.track(flows, "Flows", unit="densities"):
    target = distributions.target(name.removeprefix("nhf_"))
    paths.append(folder / f"{name}.png")
    density_pictures.nhf(paths[-1], pretrained.load_pretrained(name), target.sample(1000, seed=(0, 9)).numpy())
  paths.append(folder / "phase_volume.png")
  density_pictures.phase_volume(paths[-1])
  return paths


def _trained(preset="hgn"):
  """System -> the HGN of it, trained with a preset, that comes with the package."""
  from hgn_tf import pretrained  # slow: TensorFlow
  names = {system: f"{preset}_{system}" for system in physics.PAPER}
  return {system: pretrained.load_pretrained(name) for system, name in names.items() if name in pretrained.names()}


def _overview(folder):
  """A film of each system, and what its trained HGN makes of it at four speeds."""
  from hgn_tf.evaluation import hgn_pictures  # slow: TensorFlow
  hgn_pictures.overview(folder / "overview.gif", _trained("hgn_compact"))
  return [folder / "overview.gif"]


def _beyond(folder):
  """Long before and long after the frames of a film: the trained HGNs, and the compact ones."""
  from hgn_tf.evaluation import hgn_pictures  # slow: TensorFlow
  plain, compact = _trained(), _trained("hgn_compact")
  hgn_pictures.beyond(folder / "beyond.png", {
      system: {"HGN": plain[system], "compact HGN": model} for system, model in compact.items()})
  return [folder / "beyond.png"]


def _law(folder):
  """Phase portraits and frequencies that compact HGNs have learned, beside the true ones."""
  from hgn_tf.evaluation import law_pictures  # slow: TensorFlow
  models = _trained("hgn_compact")
  law_pictures.portraits(folder / "law_portraits.png", models)
  law_pictures.frequencies(folder / "law_frequencies.png", models)
  return [folder / "law_portraits.png", folder / "law_frequencies.png"]


def _speeds(folder):
  """Paper figure 7: films and rollouts forward, backward, at double and half speed, of the trained HGNs.

  Below them those of PixelHNNs, where the working directory is a checkout, with results/pixel_hnn_films.
  """
  from hgn_tf.evaluation import hgn_pictures  # slow: TensorFlow
  paths = []
  for system, model in progress.track(_trained().items(), "Films", unit="systems"):
    below = _PIXEL_HNN / f"{system}.npz"
    paths += hgn_pictures.speeds(folder / f"speeds_{system}.png", model, physics.default_spec(system),
                                 np.load(below) if below.exists() else None)
  return paths


def _samples(folder):
  """Paper figure 8: samples from the prior of the trained HGNs."""
  from hgn_tf.evaluation import hgn_pictures  # slow: TensorFlow
  return hgn_pictures.samples(folder / "samples.png", _trained())


FIGURES = {  # name -> function of the output folder that returns the files it wrote
    "beyond": _beyond,
    "datasets": _datasets,
    "density": _density,
    "law": _law,
    "overview": _overview,
    "phase_space": _phase_space,
    "samples": _samples,
    "speeds": _speeds,
}


def make(names, folder):
  """Makes the figures of these names.

  Args:
    names: keys of `FIGURES`.
    folder: where to write; created.

  Returns:
    The files that were written.

  Raises:
    ValueError: no names, or unknown ones; the message lists the known ones.
  """
  unknown = sorted(set(names) - set(FIGURES))
  if unknown or not names:
    raise ValueError(f"name one or more figures out of {', '.join(FIGURES)}; got {', '.join(unknown) or 'none'}.")
  folder = pathlib.Path(folder)
  folder.mkdir(parents=True, exist_ok=True)
  paths = []
  with progress.stages("Drawing", names) as begin:
    for name in names:
      begin(name)
      paths += FIGURES[name](folder)
  return paths


def main(argv):
  for path in make(argv[1:], flags.FLAGS.out):
    print(f"Wrote {path.resolve()}")


def run():
  """Console script."""
  flags.DEFINE_string("out", "figures", "Folder to write to.")  # other commands have an --out too
  cli.run(main, takes_arguments=True)


if __name__ == "__main__":
  run()
