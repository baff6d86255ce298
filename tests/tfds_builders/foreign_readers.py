"""Reads a dataset in a process that knows none of this project: foreign_readers.py TFRECORD ARRAY_RECORD ANSWERS.

TFRECORD and ARRAY_RECORD are data_dirs with mass_spring/small; ANSWERS an npz of <reader>/frames and <reader>/q, the
examples sorted by q. Readers whose package is missing are left out.
"""

import importlib.util
import itertools
import pathlib
import sys

import numpy as np
import tensorflow_datasets as tfds

NAME, BATCH = "mass_spring/small", 4
READERS = {}  # name -> function of (TFRECORD, ARRAY_RECORD) to examples


def reader(*packages):
  """Takes a function up into READERS where `packages` are installed."""
  def register(function):
    if all(importlib.util.find_spec(name) for name in packages):
      READERS[function.__name__] = function
    return function
  return register


@reader()
def data_source(tfrecord, array_record):
  del tfrecord
  return tfds.data_source(NAME, split="train", data_dir=array_record)


@reader()
def slice_of_a_source(tfrecord, array_record):
  del tfrecord
  return tfds.builder_from_directory(_version(array_record)).as_data_source("train[2:5]")


@reader("torch")
def torch_loader(tfrecord, array_record):
  import torch
  source = data_source(tfrecord, array_record)
  source[0]  # from now on a forked worker would crash in array_record's threads
  return _rows(torch.utils.data.DataLoader(source, batch_size=BATCH, shuffle=True, num_workers=1,
                                           multiprocessing_context="spawn"))


@reader("grain")
def grain_dataset(tfrecord, array_record):
  import grain
  source = grain.MapDataset.source(data_source(tfrecord, array_record))
  return _rows(source.shuffle(seed=1).batch(BATCH).to_iter_dataset())


@reader("grain")
def grain_loader(tfrecord, array_record):
  import grain
  source = data_source(tfrecord, array_record)
  sampler = grain.samplers.IndexSampler(len(source), shuffle=True, seed=0, num_epochs=1)
  return _rows(grain.DataLoader(data_source=source, sampler=sampler, operations=[grain.transforms.Batch(BATCH)]))


@reader("pandas")
def dataframe_of_a_source(tfrecord, array_record):
  import pandas
  return pandas.json_normalize(list(data_source(tfrecord, array_record))).to_dict("records")


@reader("pandas")
def as_dataframe(tfrecord, array_record):
  del array_record
  dataset, info = tfds.load(NAME, split="train", data_dir=tfrecord, with_info=True)
  return tfds.as_dataframe(dataset, info).to_dict("records")


@reader()
def builder_from_directory(tfrecord, array_record):
  del array_record
  return tfds.as_numpy(tfds.builder_from_directory(_version(tfrecord)).as_dataset(split="train"))


@reader()
def split_slices(tfrecord, array_record):
  del array_record
  parts = tfds.load(NAME, split=["train[:30%]", "train[30%:]"], data_dir=tfrecord)
  return itertools.chain(*map(tfds.as_numpy, parts))


def _version(data_dir):
  return str(pathlib.Path(data_dir) / NAME / "1.0.0")


def _rows(batches):
  """Examples of batches."""
  for batch in batches:
    yield from ({"frames": frames, "q": q} for frames, q in zip(batch["frames"], batch["q"], strict=True))


def main(tfrecord, array_record, answers):
  found = {}
  for name, read in READERS.items():
    examples = sorted(((np.asarray(x["frames"]), np.asarray(x["q"])) for x in read(tfrecord, array_record)),
                      key=lambda pair: pair[1].ravel()[0])
    found[f"{name}/frames"], found[f"{name}/q"] = map(np.stack, zip(*examples, strict=True))
  np.savez(answers, **found)
  foreign = [name for name in sys.modules if name.split(".")[0] in ("hgn_tf", "tfds_builders", "export")]
  sys.exit(f"imported {foreign}" if foreign else 0)


if __name__ == "__main__":  # torch's spawned workers import this file
  main(*sys.argv[1:])
