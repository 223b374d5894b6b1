"""A stand-in for `dera serve`, for tools/check-page: bigrams of the embedded story-tellers' example stories, blended by λ.

    python3 tools/page/stub.py [--port 8080] [--models brief,happy] [--chat] [--two-prompts] [--delay 0.02] [--loading 0]

A prompt with one of the words in FAILURES makes it fail that way. Everything it answers is a function of the request.
"""
import argparse, base64, collections, hashlib, json, math, pathlib, random, re, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "Sources/DeRaServer/Page/index.html"
MANIFEST = ROOT / "quantized-models/storyteller/manifest.json"
END = "<end>"
CONTEXT = 512
FAILURES = {"FAIL-FULL", "FAIL-CONTEXT", "FAIL-MID", "FAIL-DROP"}


def policy(page):
    """The Content-Security-Policy for a page: its one script and one style by their hashes, requests to itself alone."""
    def source(tag):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S).group(1)
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
    return (f"default-src 'none'; script-src {source('script')}; style-src {source('style')}; img-src data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


class Models:
    """Bigrams of the reference (`None`) and of each aligned model: log-probabilities of the next word after a word."""

    def __init__(self):
        slider = json.loads(MANIFEST.read_text())["slider"]
        stories = collections.defaultdict(list)
        for name, points in slider.items():
            for point in points:
                stories[None if point["lambda"] < 0.4 else name if point["lambda"] >= 1 else "between"] += point["examples"]
        self.counts = {key: collections.defaultdict(collections.Counter) for key in stories}
        for key, texts in stories.items():
            for text in texts:
                words = pieces(text) + [END]
                for before, after in zip(words, words[1:]):
                    self.counts[key][before][after] += 1
        self.memory = {}

    def after(self, key, word):
        if (key, word) not in self.memory:
            every = collections.Counter()
            for counts in self.counts.values():
                every.update(counts[word] if word in counts else {})
            if not every:
                every.update({" there": 1, " was": 1, " a": 1, END: 1})
            own = self.counts[key][word] if word in self.counts[key] else {}
            total = sum(own.values()) + 0.15 * sum(every.values())
            self.memory[key, word] = {w: math.log((own.get(w, 0) + 0.15 * n) / total) for w, n in sorted(every.items())}
        return self.memory[key, word]


def pieces(text):
    return re.findall(r"\s*(?:\w+|[^\w\s])|\s+$", text)


def normal(h):
    top = max(h.values())
    z = top + math.log(sum(math.exp(v - top) for v in h.values()))
    return {k: v - z for k, v in h.items()}


class Failure(Exception):
    def __init__(self, message, status=400, kind="invalid_request_error", **more):
        self.status, self.body = status, {"error": {"message": message, "type": kind, "param": None, "code": status, **more}}


class Stub:
    """What the handlers share; `log` holds the requests' paths and bodies for the checks."""

    def __init__(self, models=("brief", "happy"), chat=False, two_prompts=False, delay=0.02, loading=0.0, key="", waiting=0.0):
        self.names, self.chat, self.two_prompts, self.delay, self.key, self.waiting = list(models), chat, two_prompts, delay, key, waiting
        self.ready, self.models, self.live, self.log, self.count = time.time() + loading, Models(), {}, [], 0

    def point(self, value):
        """λ by name from a request's form of it."""
        names = self.names + (["prompt"] if self.two_prompts else [])
        if isinstance(value, dict):
            if set(value) - set(names):
                raise Failure(f"lambda names {sorted(set(value) - set(names))}; there are {names}")
            return {n: float(value.get(n, 1 if n == "prompt" else 0)) for n in names}
        values = value if isinstance(value, list) else [value]
        return {n: float(v) for n, v in zip(names, values)} | {n: 0.0 for n in names[len(values):]}

    def step(self, word, point, random_number, temperature, top, explain, early):
        reference = self.models.after(None, word)
        aligned = {n: self.models.after(n if n in self.models.counts else "happy", word) for n in point}
        rest = 1 - sum(point.values())
        blend = normal({w: rest * v + sum(point[n] * aligned[n][w] for n in point) for w, v in reference.items()})
        if early and len(blend) > 1:
            blend.pop(END, None)   # long enough answers to do something to them
        order = sorted(blend, key=lambda w: -blend[w])
        token = order[0]
        if temperature > 0:
            weights = normal({w: v / temperature for w, v in blend.items()})
            for token in sorted(order):   # so that near λ draw alike
                random_number -= math.exp(weights[token])
                if random_number <= 0:
                    break

        def entry(word):
            more = {"dera": {"reference": reference[word], "aligned": {n: aligned[n][word] for n in aligned}}} if explain else {}
            return {"token": word, "bytes": list(word.encode()), "logprob": blend[word], **more}
        return token, {**entry(token), "top_logprobs": [entry(w) for w in order[:top]]}

    def answer(self, text, body, point, live):
        """Yields (index, record) and at last (count, reason)."""
        schedule = [(int(at), self.point(value)) for at, value in body.get("lambda_schedule") or []]
        words = pieces(text) or [" there"]
        trace, now = [], None
        limit = body.get("max_tokens") or 400
        for index in range(limit):
            planned = next((value for at, value in reversed(schedule) if at <= index), point)
            wanted = live["lambda"] or planned
            if wanted != now:
                now = wanted
                trace.append([index, now])
            chance = random.Random(f"{body.get('seed', 0)}/{index}").random()
            token, record = self.step(words[-1], now, chance, body.get("temperature", 0.8), body.get("top_logprobs", 0),
                                      (body.get("dera") or {}).get("explain"), index < 60)
            if token == END:
                yield index, "stop", trace
                return
            words.append(token)
            time.sleep(self.delay)
            yield index, record, trace
        yield limit, "length", trace


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def stub(self):
        return self.server.stub

    def head(self, status, kind, length=None, **more):
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header(*(("transfer-encoding", "chunked") if length is None else ("content-length", str(length))))
        self.end_headers()

    def reply(self, body, status=200, kind="application/json", **more):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.head(status, kind, len(data), **more)
        self.wfile.write(data)

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, value):
        self.chunk(f"data: {json.dumps(value)}\n\n")

    def do_GET(self):
        stub = self.stub
        loading = time.time() < stub.ready
        if self.path == "/":
            page = PAGE.read_text()
            return self.reply(page, kind="text/html; charset=utf-8", content_security_policy=policy(page), referrer_policy="no-referrer")
        if self.path == "/health":
            return self.reply({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}} if loading else {"status": "ok"}, 503 if loading else 200)
        if stub.key and self.headers.get("authorization") != f"Bearer {stub.key}":
            return self.reply({"error": {"message": "Invalid API key", "type": "authentication_error", "param": None, "code": 401}}, 401)
        answers = {
            "/v1/models": {"object": "list", "data": [{"id": "storyteller", "object": "model"}]},
            "/props": {
                "total_slots": 2, "chat_template": "x" if stub.chat else "", "default_generation_settings": {"n_ctx": CONTEXT, "params": {"temperature": 0.8, "top_p": 0.95}},
                "dera": {"bundle": "storyteller", "aligned": [{"name": name} for name in stub.names], "context": CONTEXT, "chat_template": stub.chat, "two_prompts": stub.two_prompts, "presets": [{"name": "0.5", "lambda": {name: 0.5 for name in stub.names[:1]}}],
                         "lambda": {"default": 1, "safe_range": {n: r for n, r in zip(stub.names, ([-0.4, 1.6], [-0.7, 2]))} or None}}}}
        if self.path == "/metrics":
            return self.reply(f"dera_resident_bytes 9437184\nllamacpp:requests_deferred {3 if stub.waiting else 0}\n", kind="text/plain; version=0.0.4")
        if self.path in answers:
            return self.reply(answers[self.path])
        self.reply({"error": {"message": f"no route {self.path}", "type": "not_found_error", "param": None, "code": 404}}, 404)

    def do_POST(self):
        stub = self.stub
        try:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            stub.log.append((self.path, body))
            if stub.key and self.headers.get("authorization") != f"Bearer {stub.key}":
                raise Failure("Invalid API key", 401, "authentication_error")
            if self.path.endswith("/control"):
                live = stub.live.get(body["id"])
                if live:
                    live["lambda"] = stub.point(body["lambda"])
                return self.reply({"success": bool(live)})
            if self.path == "/v1/chat/completions":
                return self.complete(body, "".join(m["content"] for m in body["messages"][-2:] if m["role"] != "system"))
            raise Failure(f"no route {self.path}", 404, "not_found_error")
        except Failure as failure:
            self.reply(failure.body, failure.status, **({"retry_after": "3"} if failure.status == 503 else {}))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def complete(self, body, text):
        stub = self.stub
        fails = next((word for word in FAILURES if word in text), None)
        if fails == "FAIL-FULL":
            raise Failure("the queue is full: 64 requests are waiting", 503, "overloaded_error")
        if fails == "FAIL-CONTEXT":
            raise Failure("the prompt's 900 tokens exceed the context of 512", kind="exceed_context_size_error", n_prompt_tokens=900, n_ctx=CONTEXT)
        points = [stub.point(v) for v in body.get("lambda_choices") or [body.get("lambda", 1)]]
        stub.count += 1
        name = f"chatcmpl-{stub.count}"
        head = {"id": name, "object": "chat.completion.chunk", "created": 1, "model": "storyteller", "system_fingerprint": "b-stub"}
        live = stub.live[name] = {"lambda": None}
        begin = time.time()
        try:
            streams = [stub.answer(text, body, point, live) for point in points]
            if not body.get("stream"):
                return self.reply({**head, "choices": [self.whole(i, s, points[i]) for i, s in enumerate(streams)]})
            self.head(200, "text/event-stream", cache_control="no-store", x_accel_buffering="no")
            self.chunk(": ping\n\n")
            time.sleep(stub.waiting)   # as in a queue
            prompt = len(pieces(text))
            for share in (0.5, 1):
                self.event({**head, "choices": [], "prompt_progress": {"total": prompt, "cache": 0, "processed": int(prompt * share), "time_ms": 1}})
                time.sleep(stub.delay)
            running, count, held = dict(enumerate(streams)), 0, {i: "" for i in range(len(streams))}
            while running:
                for index, stream in list(running.items()):
                    at, record, trace = next(stream)
                    if isinstance(record, str):
                        del running[index]
                        if held[index]:
                            self.event({**head, "choices": [{"index": index, "delta": {"content": held[index]}, "finish_reason": None}]})
                        more = {"dera": {"lambda": trace[-1][1], "lambda_trace": trace, "seed": body.get("seed", 0)}}
                        self.event({**head, "choices": [{"index": index, "delta": {}, "finish_reason": record, **more}], **more,
                                    "timings": {"predicted_per_second": count / (time.time() - begin)}})
                        continue
                    count += 1
                    if fails in ("FAIL-MID", "FAIL-DROP") and at == 5:
                        if fails == "FAIL-MID":
                            self.event({"error": {"message": "the bundle's file changed under the server", "type": "server_error", "code": 500}})
                        self.close_connection = True
                        return self.wfile.write(b"0\r\n\r\n")
                    text = held[index] + record["token"]
                    held[index] = text if at % 7 == 3 else ""   # as where a stop string may begin
                    choice = {"index": index, "delta": {"content": "" if held[index] else text}, "logprobs": {"content": [record]}, "finish_reason": None}
                    self.event({**head, "choices": [choice]})
            self.event({**head, "choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": count, "total_tokens": prompt + count,
                                                         "prompt_tokens_details": {"cached_tokens": prompt - 1}}})
            self.chunk("data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        finally:
            stub.live.pop(name, None)

    def whole(self, index, stream, point):
        text = ""
        for _, record, _ in stream:
            if isinstance(record, str):
                return {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": record, "dera": {"lambda": point}}
            text += record["token"]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], ConnectionError):   # browsers leave as they like
            super().handle_error(request, address)


def serve(port=0, **options):
    """A running stub: (its address, its state, the server)."""
    server = Server(("127.0.0.1", port), Handler)
    server.stub = Stub(**options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}", server.stub, server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--models", default="brief,happy")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--two-prompts", action="store_true")
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--loading", type=float, default=0)
    parser.add_argument("--key", default="")
    chosen = vars(parser.parse_args())
    chosen["models"] = [name for name in chosen["models"].split(",") if name]
    address, _, _ = serve(**chosen)
    print(address, flush=True)
    threading.Event().wait()
