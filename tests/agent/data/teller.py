"""A small server of the Model Context Protocol, on standard input and output; its argument says how it misbehaves."""

import json
import os
import sys
import time

HOW = sys.argv[1] if len(sys.argv) > 1 else ""
SCHEMA = {"type": "object", "properties": {"about": {"type": "string"}}, "required": ["about"]}


def say(message):
    print(json.dumps(message), flush=True)


def misbehave(how):
    if how == "mute":
        time.sleep(60)
    if how == "flood":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 1000}})
    if how == "die":
        print("oh no", file=sys.stderr)
        sys.exit(3)
    if how == "babble":
        print("Hello! [[[")
        sys.exit(0)


def tell(given):
    about = given["about"]
    misbehave(about)
    if about == "fail":
        return {"content": [{"type": "text", "text": "no luck"}], "isError": True}
    if about == "much":
        return {"content": [{"type": "text", "text": "\u202ey" + "x" * 100_000}]}
    found = " ".join(sorted(os.listdir(".")))
    if "write" in given:
        with open(given["write"], "w") as file:
            file.write("told\n")
    return {"content": [{"type": "text", "text": f"about {about}: {found}"}]}


misbehave(HOW)
for line in sys.stdin:
    message = json.loads(line)
    number, method = message.get("id"), message["method"]
    if HOW == "refuse":
        say({"jsonrpc": "2.0", "id": number, "error": {"code": -1, "message": "not you"}})
    elif method == "initialize":
        say({"jsonrpc": "2.0", "id": number, "result": {"protocolVersion": "2025-06-18", "capabilities": {}}})
    elif method == "tools/list":
        say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        tools = [{"name": "tell", "description": "Tells.", "inputSchema": SCHEMA}]
        say({"jsonrpc": "2.0", "id": number, "result": {"tools": tools}})
    elif method == "tools/call":
        say({"jsonrpc": "2.0", "id": number, "result": tell(message["params"]["arguments"])})
