"""A proxy on asyncio streams: `proxy_streams.py PORT UPSTREAM_PORT`."""

import asyncio
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except ConnectionError:
        writer.close()


tasks = set()  # asyncio holds the handlers of its streams weakly: a collection may take one that nobody else holds


async def relay(reader, writer, upstream_port):
    tasks.add(task := asyncio.current_task())
    task.add_done_callback(tasks.discard)
    try:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", upstream_port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))
    upstream_writer.close()
    writer.close()


async def main(port, upstream_port):
    server = await asyncio.start_server(
        lambda reader, writer: relay(reader, writer, upstream_port), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
