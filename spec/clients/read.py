"""Reads a URL with urllib: prints the head, then the body as it comes. Ends with 1 where that raises."""
import json
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

asked = json.loads(sys.argv[1])
body = asked.get("body")
request = Request(
    asked["url"],
    headers=asked.get("headers", {}),
    method=asked.get("method", "GET"),
    data=None if body is None else body.encode(),
)
out = sys.stdout.buffer
try:
    try:
        response = urlopen(request)
    except HTTPError as refused:
        response = refused
    out.write(f"HTTP/1.1 {response.status}\r\n{response.headers}".replace("\r\n", "\n").strip().encode())
    out.write(b"\n\n")
    out.flush()
    while piece := response.read1():
        out.write(piece)
        out.flush()
        time.sleep(asked.get("sleep", 0))
except Exception as error:
    sys.exit(repr(error))
