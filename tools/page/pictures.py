"""Takes the pictures of docs/server from a server of the embedded pair: .build/venv-page/bin/python tools/page/pictures.py URL FOLDER"""
import pathlib, shutil, sys
from PIL import Image
from playwright.sync_api import expect, sync_playwright

url, folder = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)


def page(width, height, scheme):
    made = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 500).new_page()
    made.goto(url + "/")
    expect(made.get_by_test_id("title")).not_to_have_text("dera")
    return made


def move(p, value, which="lambda"):
    p.get_by_test_id(which).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }", str(value))


def tokens(p, count):
    expect(p.get_by_test_id("token").nth(count)).to_be_visible(timeout=60000)


def done(p):
    expect(p.get_by_test_id("stop")).to_be_disabled(timeout=120000)


with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
    for name, width, height, scheme in (("light", 1200, 700, "light"), ("dark", 1200, 700, "dark"), ("phone", 360, 740, "light")):
        p = page(width, height, scheme)
        move(p, 0)
        p.get_by_test_id("send").click()
        tokens(p, 30)
        move(p, 1, "lambda1")
        done(p)
        if name == "light":
            p.get_by_test_id("token").first.hover()
        expect(p.get_by_test_id("lambda-change")).to_be_visible()
        p.screenshot(path=folder / f"{name}.png")
    p = page(1200, 700, "light")
    p.get_by_test_id("compare").click()
    done(p)
    p.screenshot(path=folder / "compare.png")
    browser.close()
for picture in folder.glob("*.png"):
    Image.open(picture).quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)
