"""hgn-explore: a page on this machine on which trained HGNs are played with; needs the extra explore.

It lists the models in the box, and before them what is given here. It listens on 127.0.0.1 and asks no other host.

Examples:
  hgn-explore
  hgn-explore --workdir=/tmp/run
  hgn-explore --exports=/tmp/models --open
"""

import time

from absl import flags

from hgn_tf.commands import cli

_WORKDIR = flags.DEFINE_multi_string("workdir", [], "Folder of a run of hgn-train; may be repeated.")
_EXPORTS = flags.DEFINE_multi_string("exports", [], "Directory that hgn-export wrote: one model, or several.")
_PORT = flags.DEFINE_integer("port", None, "To listen on (default: the first free one from 7860).", 1, 65535)
_OPEN = flags.DEFINE_bool("open", False, "Open the page in a browser.")
_MAX_MEGABYTES = flags.DEFINE_integer("max_megabytes", 20, "Largest clip that may be uploaded.", lower_bound=1)


def main(argv):
  del argv
  print("hgn-explore: starting (TensorFlow takes some seconds) ...", flush=True)
  from hgn_tf.commands.explore import catalogue, page  # slow: TensorFlow, Gradio
  models = catalogue.Catalogue(_WORKDIR.value, _EXPORTS.value)
  running = page.launch(models, port=_PORT.value, max_megabytes=_MAX_MEGABYTES.value, in_browser=_OPEN.value)
  print(f"hgn-explore: {running.local_url} (end with Ctrl-C)", flush=True)
  try:
    while True:
      time.sleep(3600)
  except KeyboardInterrupt:
    print("hgn-explore: bye", flush=True)


def run():
  """Console script."""
  cli.run(main)
