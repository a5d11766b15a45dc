"""Does with openai-python what a line of JSON on standard input says, and tells in a line of JSON what came of it."""

import json
import os
import sys

from openai import OpenAI

client = OpenAI(base_url=sys.argv[1], api_key=os.environ["ACCEPTANCE_KEY"])


def run(connection, fields):
    """One turn. A socket that closes raises."""
    connection.response.create(**fields)
    for event in connection:
        if event.type == "error":
            return {"ended": "error", "code": event.error.code}
        if event.type == "response.completed":
            response = event.response
            calls = [item.call_id for item in response.output if item.type == "function_call"]
            return {"ended": event.type, "id": response.id, "text": response.output_text, "calls": calls}
    return {"ended": "closed"}


connection = None
for line in sys.stdin:
    fields = json.loads(line)
    try:
        if connection is None:
            connection = client.responses.connect().enter()
        outcome = run(connection, fields)
    except Exception as error:
        connection = None
        outcome = {"ended": "raised", "code": type(error).__name__}
    print(json.dumps(outcome), flush=True)
