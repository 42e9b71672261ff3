"""`docs/report.png`, the picture in README.md: `python -m tests.picture` makes it, with Chromium, from the demo run."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "report.png"
_BEGAN = 1_767_225_600  # 2026-01-01 00:00, so that the picture changes only with the report
_WIDTH, _HEIGHT, _SCALE, _COLOURS = 1060, 1305, 1.5, 128
# The beginning of the report, and below it the part about confidence without the contents beside it.
_FRAME = """<!DOCTYPE html>
<style>
  body { margin: 0; background: white }
  div { overflow: hidden }
  iframe { border: 0; display: block; width: 1280px; height: 730px }
</style>
<div style="height: 655px"><iframe src="report.html" style="margin-top: -30px" scrolling="no"></iframe></div>
<div style="height: 650px">
  <iframe src="report.html#confidence" style="margin-left: -243px" scrolling="no"></iframe>
</div>
"""


def main() -> None:
    """Run the demo, look at its report, and keep what is seen with few colours, which is a third of the size."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = ROOT / "data" / "support_tickets"
        rehearse = [sys.executable, "-m", "evalayer_lab", "run", str(ROOT / "recipes" / "support_tickets.yaml")]
        rehearse += ["--data", str(data / "gen_qa.jsonl"), "--train", str(data / "train.jsonl")]
        rehearse += ["--output", str(folder / "output"), "--html", str(folder / "report.html")]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(_BEGAN)}
        subprocess.run(rehearse, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        (folder / "frame.html").write_text(_FRAME, encoding="utf-8")
        look = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text"]
        look += [f"--window-size={_WIDTH},{_HEIGHT}", f"--force-device-scale-factor={_SCALE}"]
        look += [f"--screenshot={folder / 'seen.png'}", (folder / "frame.html").as_uri()]
        subprocess.run(look, stderr=subprocess.DEVNULL, check=True)
        with Image.open(folder / "seen.png") as seen:
            seen.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
