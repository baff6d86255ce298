"""The page on worlds that are not this package's, from the results of benchmarks.own_videos and benchmarks.transfer.

  python -m benchmarks.own_videos_report
"""

import json
import pathlib

from absl import app

from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

RESULTS, PAGE = pathlib.Path("results/own_videos"), pathlib.Path("docs/own_videos/worlds.md")
WORLDS = {
    "mujoco_pendulum": "gymnasium's MuJoCo inverted pendulum let hang, its cart held, with a light that casts shadows "
                       "and a checkered wall; 160 clips of 100 frames",
    "mujoco_cart_pole": "the same with a cart that slides freely, from rest",
    "pymunk_pendulums": "two pendulums of pymunk with a spring between them, shadows, a wall of many colours; 160 "
                        "clips of 100 frames",
    "real_pendulum": "the measured angles of a real pendulum with friction (Schmidt and Lipson 2009), drawn at the "
                     "measured times: one clip of 94 seconds of uneven frames; a model with `damping`",
    "real_double_pendulum": "the same of a real double pendulum, one clip of 9 seconds at 50 frames a second: it "
                            "learns what it has seen, and what comes next is another part of a chaotic motion",
    "hand_held": "the first world by a camera in a hand: every frame moved by up to 3 of its 128 pixels, smoothly. "
                 "Where the wall goes follows from no pendulum",
}

HEAD = """# Worlds of others

What a compact HGN learns from mp4 files that this package did not simulate. The clips were made by other
people's simulators or from measured angles, written to disk, and read back as a user's would be, by `tfds build
video_folder`, `hgn-train --preset=hgn_compact_video` and `hgn-evaluate`. Each row is one seed; training ran on
one thread of a machine that had much other work, so that minutes are upper bounds. Nothing was tuned but the
number of pairs and, for the real pendulum, friction.

`python -m benchmarks.own_videos --world=NAME --out=FOLDER`, then `python -m benchmarks.own_videos_report`. The real
pendulums take `--measured`, the folder of [their files](../../tfds_builders/real_pendulum/README.md).

"""
EXPLAINED = """
MSE is that of test films of 31 frames from one inferred state, beside that of the mean training frame; "frames
right" is the valid prediction time within them. "On" and "back" are frames right of a rollout from 16 frames in
the middle of a longer test clip to its end and to its beginning, far beyond the 31 frames that were trained on;
a dash: there is no longer clip.

"""


def row(world):
  """Cells of a world's line."""
  found = json.loads((RESULTS / f"{world}.json").read_text())
  test, beyond = found["test"], found.get("beyond")
  far = [f"{beyond[way]:.0f} of {beyond[f'{way}_of']}" for way in ("forward", "backward")] if beyond else ["-", "-"]
  return [f"[{world}](#{world})", found["model"]["pairs"], found["steps"], f"{found['minutes']:.0f}",
          found["train"]["sequences"], 1e4 * test["mse"], 1e4 * test["mean_image"], test["relative_excess"],
          f"{test['valid_prediction_time']:.1f} of 31", *far]


def main(argv):
  del argv
  there = [world for world in WORLDS if (RESULTS / f"{world}.json").exists()]
  header = ["world", "pairs", "steps", "minutes", "train films", "test MSE x1e4", "mean frame x1e4",
            "relative excess", "frames right", "on", "back"]
  page = HEAD + markdown_table(header, [row(world) for world in there]) + EXPLAINED
  for world in there:
    told = WORLDS[world][0].upper() + WORLDS[world][1:]
    page += f"## {world}\n\n{told}.\n\n![Test clips and rollouts]({world}.gif)\n\n"
  if (RESULTS / "transfer.json").exists():
    found = json.loads((RESULTS / "transfer.json").read_text())
    page += (f"## A start from a trained model\n\n50 clips of the first world, 150 films of which 30 are the test, "
             f"{found['steps']} steps each: `python -m benchmarks.transfer --clips=FOLDER/clips --out=OUT`.\n\n"
             + markdown_table(found["header"], found["rows"]))
  files.write_bytes(PAGE, page.rstrip().encode() + b"\n")


if __name__ == "__main__":
  app.run(main)
