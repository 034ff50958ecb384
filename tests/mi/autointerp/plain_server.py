"""plain_server.py PORT HOW NAME: a server of the standard library that misbehaves in the way that HOW says."""

import http.server
import json
import os
import signal
import subprocess
import sys
import time

PORT, HOW, NAME = int(sys.argv[1]), sys.argv[2], sys.argv[3]
print("starting", HOW, "keys", [name for name in os.environ if name.endswith("_KEY")], flush=True)

if HOW == "dies":
    print("out of memory", file=sys.stderr, flush=True)
    sys.exit(3)
if HOW == "never":
    time.sleep(60)
if HOW == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: None)
if HOW == "parent":  # a helper that a plain kill of the server would leave behind, as vLLM's engine processes are
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(sys.argv[4], "w") as file:
        file.write(str(child.pid))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        name = "another/model" if HOW == "other" else NAME
        data = json.dumps({"data": [{"id": name}], "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


http.server.HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
