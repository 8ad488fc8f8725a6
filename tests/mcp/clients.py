"""The Python SDK and fastmcp as clients of a server: clients.py URL DEEDS, the token in DEEDS_TOKEN."""

import asyncio
import os
import sys

import fastmcp
import httpx2
import mcp
from fastmcp.client.transports import StdioTransport
from mcp.client.streamable_http import streamable_http_client

URL, DEEDS = sys.argv[1:]
TOKEN = os.environ["DEEDS_TOKEN"]
ARGUMENTS = ["--connect", URL, "mcp"]
ENVIRONMENT = {"DEEDS_TOKEN": TOKEN, "DEEDS_CONFIG": "/dev/null"}


async def play(name, tools, call, read):
    """A write goes through, and the same again is told to be stale, without an exception."""
    names = {tool.name for tool in await tools()}
    write = {"entity": f"pipeline/{name.replace(' ', '-')}", "changes": {"stage": "new"}, "expected": {"stage": 0}}
    first, again = await call("write_fields", write), await call("write_fields", write)
    assert {"my_zone", "wait"} <= names, names
    assert again["next"] and again["reason"], again
    assert "sales" in await read("deeds://zone")
    print(f"{name}: {first['outcome']}, then {again['outcome']}, {len(names)} tools")


async def by_mcp(name, transport):
    async with mcp.Client(transport) as client:

        async def tools():
            return (await client.list_tools()).tools

        async def call(tool, arguments):
            return (await client.call_tool(tool, arguments)).structured_content

        async def read(uri):
            return (await client.read_resource(uri)).contents[0].text

        await play(name, tools, call, read)


async def by_fastmcp(name, transport, **options):
    async with fastmcp.Client(transport, **options) as client:

        async def call(tool, arguments):
            return (await client.call_tool(tool, arguments)).structured_content

        async def read(uri):
            return (await client.read_resource(uri))[0].text

        await play(name, client.list_tools, call, read)


async def main():
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        await by_mcp("mcp http", streamable_http_client(f"{URL}/mcp", http_client=http))
    await by_mcp("mcp stdio", mcp.StdioServerParameters(command=DEEDS, args=ARGUMENTS, env=ENVIRONMENT))
    await by_fastmcp("fastmcp http", f"{URL}/mcp", auth=TOKEN)
    await by_fastmcp("fastmcp stdio", StdioTransport(command=DEEDS, args=ARGUMENTS, env=ENVIRONMENT))


asyncio.run(main())
