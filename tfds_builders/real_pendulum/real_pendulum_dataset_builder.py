"""The real_pendulum dataset: a measured swing (Schmidt & Lipson 2009)."""

import dataclasses
import pathlib
import zipfile

import numpy as np

from tfds_builders import base, records

_FILE, _ARCHIVE = "real_pend_h_1.txt", "invar_datasets.zip"


@dataclasses.dataclass(eq=False, kw_only=True)
class RealPendulumConfig(base.Config):
  """How the one measurement is divided.

  Attributes:
    train_fraction: share of each trial, from its beginning, that is the train split; the rest is the test split.
  """

  train_fraction: float = 0.8

  def check(self):
    if not 0.0 < self.train_fraction < 1.0:
      raise ValueError(f"train_fraction must be between 0 and 1, got {self.train_fraction!r}.")


class Builder(base.Builder):
  """Angle and angular velocity of a measured pendulum, with time derivatives by finite differences."""

  MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
  Download the supplementary data of Schmidt & Lipson, "Distilling Free-Form Natural Laws from Experimental Data",
  Science 324 (2009), doi 10.1126/science.1165893, and put {_ARCHIVE}, or the file {_FILE} that it contains, into this
  folder.
  """
  BUILDER_CONFIGS = [RealPendulumConfig(name="default", description="Greydanus et al. (2019): 80 % train, 20 % test.")]

  def _info(self):
    return self.info_of({
        "x": records.float64(None, 2),
        "dx": records.float64(None, 2),
        "t": records.float64(None),
    }, homepage="https://doi.org/10.1126/science.1165893")

  def check_sources(self, dl_manager):
    self._trials = parse(_read(dl_manager.manual_dir))

  def _split_generators(self, dl_manager):
    del dl_manager
    return {split: self._generate_examples(split) for split in ("train", "test")}

  def _generate_examples(self, split):
    return self.spread(_examples, [(split, self.builder_config.train_fraction, self._trials)],
                       len(self._trials))


def parse(text):
  """Trials of a measurement: a list of (times [n], states [n, 2]).

  The first line starts with %; every other one holds trial, time, angle and angular velocity. Later columns are not
  used.

  Raises:
    ValueError: a line that is not of this form, or a trial of less than three lines.
  """
  rows = []
  for number, line in enumerate(text.splitlines(), 1):
    if not line.strip() or line.lstrip().startswith("%"):
      continue
    fields = line.replace(",", " ").split()
    try:
      rows.append([float(field) for field in fields[:4]])
    except ValueError:
      rows.append([])
    if len(rows[-1]) < 4 or not np.all(np.isfinite(rows[-1])):
      raise ValueError(f"{_FILE}, line {number}: expected the numbers trial, time, angle and velocity, got {line!r}.")
  table = np.array(rows).reshape(-1, 4)
  trials = [table[table[:, 0] == trial] for trial in np.unique(table[:, 0])]
  if not trials or min(map(len, trials)) < 3:
    raise ValueError(f"{_FILE}: expected trials of at least 3 lines, got {len(table)} lines in {len(trials)} trials.")
  return [(trial[:, 1], trial[:, 2:4]) for trial in trials]


def _read(folder):
  """The text of the measurement.

  Raises:
    FileNotFoundError: the folder holds neither the file nor the archive.
    ValueError: the archive is none, or does not hold the file.
  """
  if (folder / _FILE).exists():
    return (folder / _FILE).read_text()
  if not (folder / _ARCHIVE).exists():
    raise FileNotFoundError(f"{folder} holds neither {_FILE} nor {_ARCHIVE}.{Builder.MANUAL_DOWNLOAD_INSTRUCTIONS}")
  try:
    with (folder / _ARCHIVE).open("rb") as file, zipfile.ZipFile(file) as archive:
      found = [name for name in archive.namelist() if pathlib.PurePosixPath(name).name == _FILE]  # in any folder of it
      if not found:
        raise ValueError(f"{folder / _ARCHIVE} does not hold {_FILE}, but: {', '.join(sorted(archive.namelist()))}.")
      return archive.read(found[0]).decode()
  except zipfile.BadZipFile as error:
    raise ValueError(f"{folder / _ARCHIVE} cannot be read: {error}.") from None


def _examples(split, fraction, trials):
  """One example per trial; the derivative at a point is the forward difference to the next."""
  examples = []
  for key, (times, states) in enumerate(trials):
    derivatives = np.diff(states, axis=0) / np.diff(times)[:, None]
    cut = int(len(derivatives) * fraction)
    part = slice(cut) if split == "train" else slice(cut, len(derivatives))
    examples.append((key, {"x": states[:-1][part], "dx": derivatives[part], "t": times[:-1][part]}))
  return examples
