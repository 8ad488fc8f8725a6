"""An MCP server on standard input and output that counts what is done by it, and misbehaves when it is asked to.

The folder in its first argument holds what it does: `done` has a line for each change, `records` the records."""
import json
import os
import signal
import sys
import time

FOLDER = sys.argv[1]
TOOLS = ["get", "put", "bump", "slow", "die", "hang", "fail", "garbage", "flood", "big", "change", "vendor", "look"]
EXTRA = os.path.exists(os.path.join(FOLDER, "changed"))


def done(what):
    with open(os.path.join(FOLDER, "done"), "a") as file:
        file.write(what + "\n")
        file.flush()
        os.fsync(file.fileno())


def record(key):
    return os.path.join(FOLDER, "records-" + key.replace("/", "_"))


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(id, text, failed=False):
    result = {"content": [{"type": "text", "text": text}]}
    if failed:
        result["isError"] = True
    say(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}))


def tool(name):
    properties = {"id": {"type": "string"}, "text": {"type": "string"}, "seconds": {"type": "number"}}
    required = ["id"]
    if name == "get":
        properties = {"id": {"type": "string"}}
    return {"name": name, "inputSchema": {"type": "object", "properties": properties, "required": required}}


def call(id, name, arguments):
    global EXTRA
    key = arguments.get("id", "")
    if name == "get":
        try:
            answer(id, open(record(key)).read())
        except OSError:
            answer(id, "there is no such record", failed=True)
    elif name == "put":
        done("put " + key)
        open(record(key), "w").write(arguments["text"])
        answer(id, "put")
    elif name in ("bump", "look"):
        done(name + " " + key)
        answer(id, name)
    elif name == "slow":
        done("slow " + key)
        time.sleep(arguments.get("seconds", 1))
        answer(id, "slow")
    elif name == "die":
        done("die " + key)
        print("\x1b[31mgoing\x1b[0m now", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "hang":
        done("hang " + key)
    elif name == "fail":
        answer(id, "it did not work", failed=True)
    elif name == "garbage":
        say("this is no JSON")
        say('{"jsonrpc":"2.0","id":"nobody","result":{}}')
        say('{"jsonrpc":"2.0","id":%s,"result":{"content":[]},"result":{}}' % json.dumps(id))
        sys.stdout.buffer.write(b"\xff\xfe\x00\n")
        say("[]")
        answer(id, "after the garbage")
    elif name == "flood":
        for number in range(20000):
            say('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%d}}' % number)
        answer(id, "flooded")
    elif name == "big":
        answer(id, "\x1b[2J" + "x" * 1024 * 1024)
    elif name == "change":
        EXTRA = True
        say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
        answer(id, "changed")
    elif name == "vendor":
        # Order, numbers, unknown content and blanks as no SDK would write them.
        say(
            '{"x-vendor": {"b":1,"a":[1.0,1e2]} , "result":{"z":12345678901234567890123,"content":[{"type":"hologram",'
            '"data":"\\u00e9\\/"}],"_meta":{"trace":"0"},"a":{}},"id":%s,"jsonrpc":"2.0"}' % json.dumps(id)
        )
    else:
        say(json.dumps({"jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "no tool " + name}}))


for line in sys.stdin:
    frame = json.loads(line)
    if isinstance(frame, list):
        say(json.dumps([{"jsonrpc": "2.0", "id": one["id"], "result": {}} for one in frame if "id" in one]))
        continue
    method, id = frame.get("method"), frame.get("id")
    if method == "initialize":
        version = frame["params"]["protocolVersion"]
        say(json.dumps({"jsonrpc": "2.0", "id": id, "result": {"protocolVersion": version,
            "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "odd", "version": "1"}}}))
    elif method == "tools/list":
        names = TOOLS + (["another"] if EXTRA else [])
        say(json.dumps({"jsonrpc": "2.0", "id": id, "result": {"tools": [tool(name) for name in names]}}))
    elif method == "tools/call":
        call(id, frame["params"]["name"], frame["params"].get("arguments", {}))
    elif id is not None and method is not None:
        say(json.dumps({"jsonrpc": "2.0", "id": id, "result": {"echo": frame.get("params")}}))
