"""What runs of a row on a dataset have in common: their names, their files, and that each is made once."""

import dataclasses
import pathlib
from typing import ClassVar

import filelock

from hgn_tf.commands.reproduce import machine
from hgn_tf.training import files
from hgn_tf.training.results import holds


@dataclasses.dataclass(frozen=True)
class OneRun:
  """A row for one dataset and seed, of `steps`, or of as many as fit into `minutes` of one core.

  Attributes:
    ROWS, SYSTEMS: the rows and the datasets, without their configs, that there are.
  """

  row: str
  dataset: str
  seed: int
  steps: int | None = None
  minutes: float | None = None

  ROWS: ClassVar[dict]
  SYSTEMS: ClassVar[tuple]

  def __post_init__(self):
    for argument, value, known in (("row", self.row, self.ROWS), ("dataset", self.system, self.SYSTEMS)):
      if value not in known:
        raise ValueError(f"Unknown {argument} {value!r}; known: {', '.join(known)}.")

  @property
  def system(self):
    """The dataset without its config: "mass_spring" of "mass_spring/clean"."""
    return self.dataset.split("/")[0]

  @property
  def is_timed(self):
    """Whether its steps follow from their time."""
    return self.steps is None and self.minutes is not None

  @property
  def name(self):
    """Of its files, such as "mass_spring-hgn-1500-0" or "pendulum_suite-hgn-20min-0"."""
    length = f"{self.minutes:g}min" if self.is_timed else self.config_of(self.steps).steps
    return f"{self.dataset.replace('/', '_')}-{self.row}-{length}-{self.seed}"

  def config_of(self, steps):
    """That of the model, for so many steps; None: the preset's."""
    raise NotImplementedError


def result_path(results, run):
  """The JSON file of a run in the folder `results`."""
  return pathlib.Path(results) / f"{run.name}.json"


def is_done(results, run):
  """Whether the folder `results` holds the run.

  Raises:
    ValueError: it holds one of that name that was made with other settings.
  """
  path = result_path(results, run)
  return path.exists() and holds(path, run.config_of(
      files.read_json(path)["config"]["steps"] if run.is_timed else run.steps))


def make_once(perform, said, run, results, workdirs, *, threads=None, **options):
  """Performs a run unless it is done, alone: another process that makes the same run waits for this one's end.

  Args:
    perform: called with (run, results, workdirs, made_on=words of the machine, **options).
    said: what that found, in words.
    run, results, workdirs: the run, the folder of its JSON file, that of its Workdir.
    threads: of TensorFlow; None: one a core.

  Returns:
    What was found, in words.
  """
  words, workdirs = machine.use_threads(threads), pathlib.Path(workdirs)
  workdirs.mkdir(parents=True, exist_ok=True)
  with filelock.FileLock(workdirs / f".{run.name}.lock"):  # a dead process holds none
    if is_done(results, run):
      return f"{run.name} was made by another process"
    return f"{run.name}: {said(perform(run, results, workdirs, made_on=words, **options))}"
