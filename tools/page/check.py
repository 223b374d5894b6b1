"""Checks of the server's page in headless Chromium; started by tools/check-page, which says how.

Without a URL each check starts stub.py in the variant it needs; with one, the checks that work on any server run.
"""
import base64, csv, json, math, os, pathlib, re, shlex, shutil, subprocess, sys, time, traceback, urllib.request
from playwright.sync_api import expect, sync_playwright
import axe_playwright_python
import stub

URL = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else None
ONLY, SHOTS = os.environ.get("ONLY", ""), os.environ.get("SHOTS")
AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
browser = None


class Page:
    """A page of a server, with what it logged and asked for."""

    def __init__(self, url=None, width=1280, height=800, scheme="light", fragment="", **options):
        self.url, self.stub, self.server = (url or URL, None, None) if url or URL and not options else stub.serve(**options)
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 500,
                                           permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
        self.page = self.context.new_page()
        self.problems, self.requests = [], []
        self.page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(f"{self.url}/{fragment}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
        if self.server:
            self.server.shutdown()

    def __getattr__(self, name):
        return getattr(self.page, name)

    def at(self, name):
        return self.page.get_by_test_id(name)

    def ready(self):
        expect(self.at("title")).not_to_have_text("dera", timeout=10000)
        return self

    def move(self, value, which="lambda"):
        self.at(which).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) }", str(value))

    def until(self, condition, what, seconds=20):
        end = time.time() + seconds
        while not condition():
            assert time.time() < end, f"waited {seconds} s for {what}"
            time.sleep(0.02)

    def done(self):
        expect(self.at("stop")).to_be_disabled(timeout=60000)

    def answer(self, tokens=1):
        """Sends and waits for some tokens."""
        self.at("send").click()
        self.until(lambda: self.at("token").count() >= tokens, f"{tokens} tokens")

    def text(self):
        return "".join(self.at("token").all_text_contents())

    def posts(self, path="completions"):
        return [body for p, body in self.stub.log if p.endswith(path)]

    def option(self, selector, value):
        if not self.page.locator("#options").is_visible():
            self.page.locator("#more").click()
        field = self.page.locator(selector)
        field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)

    def shot(self, name):
        if SHOTS:
            self.page.screenshot(path=os.path.join(SHOTS, name + ".png"))


def check(name, any_server=False):
    def run(f):
        if ONLY not in name or URL and not any_server:
            return
        try:
            detail = f()
            counts["PASS"] += 1
            print(f"PASS {name}" + (f": {detail}" if detail else ""), flush=True)
        except Exception as e:
            where = [t for t in traceback.extract_tb(e.__traceback__) if t.filename == __file__][-1]
            counts["FAIL"] += 1
            print(f"FAIL {name}: {type(e).__name__}: {str(e)[:500]} (line {where.lineno})", flush=True)
    return run


def post(url, path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def axe(p, where):
    p.evaluate(AXE)
    found = p.evaluate("axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 120), v.nodes[0].failureSummary]))")
    bad = [v for v in found if v[0] in ("serious", "critical")]
    assert not bad, (where, bad)
    return found


def checks():
    source = stub.PAGE.read_text()

    @check("the file: at most 60 kB, one script, one style, nothing that writes markup or evaluates text", True)
    def _():
        size = len(source.encode())
        assert size <= 60_000, size
        assert source.count("<script") == source.count("<style") == 1
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\son\w+=\"|\sstyle=\"|https?://(?!www\.w3\.org/2000/svg)", source)
        assert not found, found
        return f"{size} bytes"

    @check("the server sends the file with a policy that names its script and style", True)
    def _():
        with Page() as p:
            reply = p.page.request.get(p.url + "/", headers={"accept": "text/html"})
            assert reply.text() == source, "another page"
            policy = reply.headers["content-security-policy"]
            for part in stub.policy(source).split("; "):
                name, *values = part.split()
                assert any(d.split()[0] == name and set(values) <= set(d.split()[1:]) for d in policy.split("; ")), (part, policy)

    @check("loads alone: names the model, asks no other host, no word in the console", True)
    def _():
        with Page() as p:
            p.ready()
            expect(p.at("status")).to_have_text("ready")
            assert p.locator("#welcome").is_visible()
            foreign = [r for r in p.requests if not r.startswith((p.url, "data:"))]
            assert not foreign and not p.problems, (foreign, p.problems)
            p.shot("empty")

    @check("an answer streams in token by token, and the figures with it", True)
    def _():
        with Page() as p:
            p.ready().answer()
            first = p.at("token").count()
            p.until(lambda: p.at("token").count() > first, "more tokens")
            p.done()
            assert len(p.at("answer").inner_text()) > 20
            assert re.search(r"tokens/s.*cached", p.locator("#figures").inner_text()), p.locator("#figures").inner_text()
            assert not p.problems, p.problems

    @check("the sliders by keyboard and mouse: steps, snapping, reset, value text, number field", True)
    def _():
        with Page() as p:
            p.ready()
            slider, number = p.at("lambda"), p.at("lambda-number")
            p.move(0.5)
            slider.focus()
            for keys, value in (("ArrowRight", 0.51), ("ArrowLeft", 0.5), ("Shift+ArrowRight", 0.6), ("Shift+ArrowLeft", 0.5)):
                p.keyboard.press(keys)
                assert math.isclose(float(slider.input_value()), value), (keys, slider.input_value())
            number.fill("1.25"), number.press("Enter")
            assert slider.input_value() == "1.25" and slider.get_attribute("aria-valuetext").startswith("1.25")
            box = slider.bounding_box()
            at = lambda value: (box["x"] + 10 + (box["width"] - 20) * (value + 1) / 3, box["y"] + 14)
            p.mouse.move(*at(1.25)), p.mouse.down(), p.mouse.move(*at(0.5), steps=5), p.mouse.move(*at(0.02), steps=5), p.mouse.up()
            assert float(slider.input_value()) == 0 and "reference" in slider.get_attribute("aria-valuetext"), slider.input_value()
            slider.dblclick()
            assert float(slider.input_value()) == 1, slider.input_value()

    def turned_right(p):
        """The text is that of the schedule in its marks."""
        at = p.page.evaluate("[...document.querySelector('[data-testid=answer]').children].findIndex(e => e.dataset.testid === 'lambda-change')")
        assert at > 0, at
        body = {**p.posts()[0], "stream": False, "lambda_schedule": [[0, {"brief": 0, "happy": 0}], [at, {"brief": 1, "happy": 0}]]}
        assert post(p.url, "/v1/chat/completions", body)["choices"][0]["message"]["content"] == p.text(), "another text"
        return f"at token {at}"

    @check("λ moved while the server writes: it is told, and the mark stands where it turned")
    def _():
        with Page(delay=0.08) as p:
            p.ready().move(0)
            p.answer(4)
            p.move(1)
            p.done()
            assert [b["lambda"] for b in p.posts("control")] == [{"brief": 1, "happy": 0}], p.posts("control")
            assert p.at("lambda-change").all_text_contents() == ["brief 1 · happy 0"]
            return turned_right(p)

    @check("λ moved while a fast server is ahead of the text: the same, by a schedule")
    def _():
        with Page(delay=0.0005) as p:
            p.ready().move(0)
            p.answer(6)
            p.move(1)
            p.done()
            assert p.posts()[-1]["lambda_schedule"][0] == [0, {"brief": 0, "happy": 0}], p.posts()[-1]
            return turned_right(p)

    @check("colours: orange where the aligned model wanted the token, blue where the reference did, or surprise, or none", True)
    def _():
        with Page() as p:
            p.ready().answer()
            p.done()
            tints = lambda: p.page.evaluate("""[...document.querySelectorAll('[data-testid=token]')].map(e => {
                const c = getComputedStyle(e).backgroundColor.match(/[-\\d.e]+/g).map(Number), d = e.record.dera
                return [d && Object.values(d.aligned).map(v => v - d.reference).sort((a, b) => Math.abs(b) - Math.abs(a))[0], c[0] - c[2], c[3] ?? 1] })""")
            who = tints()
            assert len({t[1] * t[2] for t in who}) > 3
            for nats, warm, alpha in who:
                assert alpha == 0 or abs(nats) < 0.05 or (warm > 0) == (nats > 0), (nats, warm)
            p.at("colour").select_option("off")
            assert all(t[2] == 0 for t in tints())
            p.at("colour").select_option("surprise")
            assert len({t[2] for t in tints()}) > 3
            p.at("colour").select_option("who")
            p.at("token").nth(3).hover()
            expect(p.get_by_role("tooltip")).to_contain_text("reference")
            expect(p.get_by_role("tooltip")).to_contain_text("blend")
            p.shot("detail")

    @check("by keyboard: Tab to a token, arrows along the text, Enter to the likeliest, one chosen branches there")
    def _():
        with Page(delay=0.002) as p:
            p.ready().answer()
            p.done()
            p.at("token").first.focus()
            for _ in range(5):
                p.keyboard.press("ArrowRight")
            expect(p.get_by_role("tooltip")).to_be_visible()
            kept = "".join(p.at("token").all_text_contents()[:5])
            p.keyboard.press("Enter"), p.keyboard.press("ArrowDown")
            chosen = json.loads(p.locator(":focus code").inner_text())
            p.keyboard.press("Enter")
            expect(p.at("branch")).to_be_visible()
            p.done()
            assert [m["content"] for m in p.posts()[-1]["messages"]] == ["Once upon a time there was a", kept + chosen], p.posts()[-1]["messages"]
            assert len(p.text()) > 10 and not p.problems, p.problems

    @check("compare: four λ from one request; the common beginning dimmed, the first difference marked; λ edited and used")
    def _():
        with Page(delay=0.002) as p:
            p.ready()
            p.at("compare").click()
            p.done()
            assert [c["brief"] for c in p.posts()[0]["lambda_choices"]] == [0, 0.5, 1, 2] and len(p.posts()) == 1
            assert p.at("column").count() == 4
            p.option("#lambdas", "0.98 1 1.02"), p.option("#seed", "2")
            p.at("compare").click()
            p.done()
            columns = p.at("column").all()
            words = [c.get_by_test_id("token").all_text_contents() for c in columns]
            assert len(words) == 3 and len({"".join(w) for w in words}) > 1
            common = next(i for i, same in enumerate(len(set(w)) == 1 for w in zip(*words)) if not same)
            for c in columns:
                marks = c.get_by_test_id("token").evaluate_all("all => all.map(e => [e.classList.contains('common'), e.classList.contains('differs')])")
                assert marks[:common] == [[True, False]] * common and marks[common] == [False, True] and not any(map(any, marks[common + 1:])), marks[:common + 2]
            p.shot("compare")
            p.at("column-lambda").nth(2).fill("1.5"), p.at("column-lambda").nth(2).press("Enter")
            p.until(lambda: len(p.posts()) == 3, "another request")
            p.done()
            assert [c["brief"] for c in p.posts()[2]["lambda_choices"]] == [0.98, 1, 1.5]
            p.at("use-lambda").nth(2).click()
            assert p.at("lambda").input_value() == "1.5"
            return f"{common} tokens in common"

    @check("compare and columns on any server", True)
    def _():
        with Page() as p:
            p.ready()
            p.at("compare").click()
            p.until(lambda: p.at("column").count() == 4, "columns")
            p.done()
            texts = [c.get_by_test_id("answer").inner_text() for c in p.at("column").all()]
            assert all(texts) and len(set(texts)) > 1 and not p.problems, (texts, p.problems)

    @check("grid: λ × seeds, saved as CSV", True)
    def _():
        with Page() as p:
            p.ready()
            p.option("#lambdas", "0 ½ 1"), p.option("#seeds", "2"), p.option("#limit", "20")
            p.at("grid").click()
            p.until(lambda: p.at("grid-cell").count() == 6, "cells")
            p.done()
            with p.expect_download() as download:
                p.at("grid-csv").click()
            rows = list(csv.DictReader(open(download.value.path(), newline="")))
            assert [r["text"] for r in rows] == p.at("grid-cell").all_text_contents() and {r["seed"] for r in rows} == {"1", "2"}, rows
            first = next(k for k in rows[0] if k.startswith("lambda"))
            assert [float(r[first]) for r in rows[:3]] == [0, 0.5, 1] and not p.problems, p.problems

    @check("Stop and Escape end it at once, and keep what came", True)
    def _():
        with Page() as p:
            p.ready()
            for how in ("stop", "escape"):
                p.answer(3)
                p.at("stop").click() if how == "stop" else p.keyboard.press("Escape")
                expect(p.at("stop")).to_be_disabled(timeout=1000)
                expect(p.at("status")).to_have_text("stopped")
                assert p.at("token").count() >= 3

    @check("again, edit, curl and link: the command and the link give the same bytes", True)
    def _():
        with Page() as p:
            p.ready().move(0.5)
            p.answer(4)
            p.move(0.9)
            p.done()
            text = p.text()
            p.at("curl").click()
            expect(p.at("status")).to_contain_text("copied")
            command = p.page.evaluate("navigator.clipboard.readText()")
            choice = json.loads(subprocess.run(shlex.split(command) + ["-s"], capture_output=True, check=True).stdout)["choices"][0]
            assert choice["message"]["content"] == text, "curl gives another text"
            p.at("link").click()
            expect(p.at("status")).to_contain_text("link")
            link = p.page.evaluate("navigator.clipboard.readText()")
            assert "key" not in link.split("#")[1][:4]
            with Page(url=p.url, fragment=link[len(p.url) + 1:]) as other:
                other.ready().locator("#try").click()
                expect(other.at("status")).to_contain_text("same bytes", timeout=60000)
                assert other.text() == text
            p.at("again").click()
            p.done()
            assert p.at("seed").input_value() == "2" and p.text() != text
            p.at("edit").click()
            assert p.at("prompt").evaluate("e => e === document.activeElement")

    @check("a failing server is said in words where the answer would stand")
    def _():
        for word, sentence in (("FAIL-FULL", "busy.*64 requests.*3 s"), ("FAIL-CONTEXT", "900 tokens exceed the context"), ("FAIL-MID", "file changed"), ("FAIL-DROP", "connection ended")):
            with Page(delay=0.002) as p:
                p.ready().at("prompt").fill(word + " Once upon a time")
                p.at("send").click()
                expect(p.locator(".column .fault")).to_have_text(re.compile(sentence))
                p.done()
                assert "error" in p.at("status").inner_text()
                assert (p.at("token").count() == 5) == (word in ("FAIL-MID", "FAIL-DROP")), p.at("token").count()
        with Page(delay=0.002) as p:
            p.ready().route("**/completions", lambda r: r.abort())
            p.at("send").click()
            expect(p.locator(".fault")).to_contain_text("No connection")
            p.unroute("**/completions")
            p.answer()
            p.done()

    @check("what is typed and what models write is text, never markup", True)
    def _():
        with Page() as p:
            p.ready().at("prompt").fill("<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>")
            p.at("send").click()
            p.done()
            assert p.title() != "taken" and p.locator("main img, main script").count() == 0

    @check("the key of #key= leaves the address and is sent; without it the page asks for one")
    def _():
        with Page(key="s3cret", fragment="#key=s3cret") as p:
            p.ready().answer()
            assert "s3cret" not in p.page.url
        with Page(key="s3cret") as p:
            p.get_by_label("Key").fill("s3cret")
            p.get_by_role("button", name="Use this key").click()
            p.ready().answer()

    @check("a server that still loads: the page says so and goes on by itself")
    def _():
        with Page(loading=1.5) as p:
            expect(p.at("status")).to_contain_text("loading")
            p.ready()
            expect(p.at("status")).to_have_text("ready")

    @check("all places taken: the page says its place in the queue")
    def _():
        with Page(delay=0.002, waiting=2.0) as p:
            p.ready().at("send").click()
            expect(p.at("status")).to_have_text("place 3 in the queue", timeout=3000)
            p.done()

    @check("two prompts: the reference prompt is sent, its slider runs from 0 to 3 under a warning")
    def _():
        with Page(models=[], chat=True, two_prompts=True, delay=0.002) as p:
            p.ready()
            assert p.at("lambda").count() == 0
            p.option("#system", "Write in lower case."), p.option("#contrast", "text"), p.option("#reference", "Write as you like.")
            slider = p.at("lambda")
            assert [slider.get_attribute(a) for a in ("min", "max")] == ["0", "3"] and slider.input_value() == "1.5"
            expect(p.locator("#dock .warn")).to_contain_text("From 2 on")
            p.answer()
            p.done()
            body = p.posts()[-1]
            assert body["reference_system"] == "Write as you like." and body["lambda"] == 1.5 and body["messages"][0]["role"] == "system", body
            p.option("#contrast", "none")
            p.answer()
            assert p.posts()[-1]["reference_messages"] == body["messages"][1:]

    @check("a conversation: the next question carries the answer before it; New begins again")
    def _():
        with Page(chat=True, delay=0.002) as p:
            p.ready().answer()
            p.done()
            text = p.text()
            p.at("prompt").fill("And then there was")
            p.answer()
            p.done()
            assert [m["content"] for m in p.posts()[-1]["messages"]][1:] == [text, "And then there was"], p.posts()[-1]["messages"]
            p.at("new").click()
            p.answer()
            assert len(p.posts()[-1]["messages"]) == 1

    @check("accessible: axe-core finds nothing serious, empty, answered, compared, with options, light and dark, on a phone", True)
    def _():
        minor = set()
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "dark")):
            with Page(width=width, scheme=scheme) as p:
                p.ready()
                minor |= {v[1] for v in axe(p, (width, scheme, "empty"))}
                p.answer()
                p.done()
                p.at("token").nth(2).focus()
                minor |= {v[1] for v in axe(p, (width, scheme, "answer"))}
                p.shot(f"answer-{width}-{scheme}")
                p.keyboard.press("Escape")
                p.at("compare").click()
                p.done()
                p.locator("#more").click()
                minor |= {v[1] for v in axe(p, (width, scheme, "compare"))}
        return "lesser findings: " + (", ".join(sorted(minor)) or "none")

    @check("360 × 740: nothing sticks out, targets of 24 px and more, the dock at most 30 % high; so it is at 1280 × 800", True)
    def _():
        for width, height in ((360, 740), (1280, 800)):
            with Page(width=width, height=height, scheme="dark") as p:
                p.ready()
                for step in ("empty", "answer", "compare"):
                    if step != "empty":
                        p.at({"answer": "send"}.get(step, step)).click()
                        p.done()
                    assert p.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, step
                    boxes = [(b.get_attribute("data-testid"), b.bounding_box()) for b in p.locator("button, input, select, textarea").all() if b.is_visible()]
                    small = [(n, b) for n, b in boxes if min(b["width"], b["height"]) < 24]
                    assert not small, small
                    dock, hidden = p.locator("#dock").evaluate("e => [e.offsetHeight / innerHeight, e.scrollHeight - e.clientHeight]")
                    assert dock <= 0.3 and hidden <= 0, (dock, hidden)
                p.shot(f"{width}")


with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
    checks()
    browser.close()
print(f"{counts['PASS']} passed, {counts['FAIL']} failed")
sys.exit(1 if counts["FAIL"] else 0)
