"""What a trained model's weights are worth to a small set of films: equal steps with and without --init.

  python -m benchmarks.transfer --clips=CLIPS --out=FOLDER

CLIPS is a folder of mp4 files of one swinging thing, such as benchmarks.own_videos renders; 50 of them are taken.
Prints a Markdown table.
"""

import json
import pathlib

from absl import app, flags

_CLIPS = flags.DEFINE_string("clips", None, "Folder of videos.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder to write.", required=True)
_INIT = flags.DEFINE_string("init", "hgn_compact_pendulum", "Trained model to begin from.")
_STEPS = flags.DEFINE_integer("steps", 800, "Of each training.", lower_bound=1)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1"], "Of weights, order and noise.")
NUM, FIELDS = 50, dict(units=32, pairs=1)


def build(folder):
  """The dataset of the first NUM clips in `folder`."""
  import tensorflow_datasets as tfds

  from tfds_builders import video_folder
  films = folder / "films"
  films.mkdir(parents=True, exist_ok=True)
  for path in sorted(pathlib.Path(_CLIPS.value).glob("*.mp4"))[:NUM]:
    if not (films / path.name).exists():
      (films / path.name).symlink_to(path.resolve())
  builder = video_folder.Builder(config=video_folder.VideoFolderConfig(name="few"), data_dir=folder / "tfds")
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=films))


def main(argv):
  del argv
  import hgn_tf
  from hgn_tf.evaluation import evaluator, report
  from hgn_tf.models import presets
  from hgn_tf.training import files
  from hgn_tf.training.loop import train
  from hgn_tf.training.workdir import Workdir
  folder, dataset, rows = pathlib.Path(_OUT.value), "video_folder/few", []
  build(folder)
  data_dir = str(folder / "tfds")
  for seed in map(int, _SEEDS.value):
    for init in (None, _INIT.value):
      config = presets.get("hgn_compact_video", steps=_STEPS.value, seed=seed, **FIELDS)
      model = train(config, dataset, Workdir(folder / f"{init}_{seed}"), data_dir=data_dir, save_every=_STEPS.value,
                    init=init and hgn_tf.load_pretrained(init))
      measured = evaluator.Evaluator(dataset, size=config.size, num_frames=config.num_frames, data_dir=data_dir)
      found = measured.split(model, "test")
      rows.append([init or "none", seed, 1e4 * found["mse"], 1e4 * found["mean_image"], found["relative_excess"],
                   found["valid_prediction_time"]])
      print(json.dumps(rows[-1]), flush=True)
  header = ["--init", "seed", "test MSE x1e4", "mean frame x1e4", "relative excess", "frames right, of 31"]
  files.write_json(folder / "transfer.json", {"steps": _STEPS.value, "header": header, "rows": rows})
  print(report.markdown_table(header, rows))


if __name__ == "__main__":
  app.run(main)
