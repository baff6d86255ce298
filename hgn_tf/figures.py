"""hgn-figures: makes the figures of the paper.

Example:
  hgn-figures datasets --out=figures
"""

import pathlib

from absl import flags

from hgn_tf import cli

_OUT = flags.DEFINE_string("out", "figures", "Folder to write to.")


def _datasets(folder):
  """Paper figure 5: the true Hamiltonians with trajectories, and frames."""
  from hgn_tf import physics
  from hgn_tf.plots import datasets
  specs = {name: physics.default_spec(name) for name in physics.SYSTEMS}
  overview = folder / "datasets.png"
  datasets.overview(overview, specs)
  strips = {folder / f"{name}.png": spec for name, spec in specs.items()}
  for path, spec in strips.items():
    datasets.strip(path, spec)
  return [overview, *strips]


def _phase_space(folder):
  """The data of the HNN experiments."""
  from hgn_tf.plots import datasets
  path = folder / "phase_space.png"
  datasets.tasks(path, ["mass_spring", "pendulum", "two_body", "three_body"])
  return [path]


FIGURES = {  # name -> function of the output folder that returns the files it wrote
    "datasets": _datasets,
    "phase_space": _phase_space,
}


def main(argv):
  names = argv[1:]
  unknown = sorted(set(names) - set(FIGURES))
  if unknown or not names:
    raise ValueError(f"name one or more figures out of {', '.join(FIGURES)}; got {', '.join(unknown) or 'none'}.")
  folder = pathlib.Path(_OUT.value)
  folder.mkdir(parents=True, exist_ok=True)
  for name in names:
    for path in FIGURES[name](folder):
      print(f"Wrote {path.resolve()}")


def run():
  """Console script."""
  cli.run(main, takes_arguments=True)


if __name__ == "__main__":
  run()
