// An echo server on Node's net: node echo.js PORT data|pipe
const net = require('net');
const [port, how] = process.argv.slice(2);
const listener = { data: (c) => c.on('data', (d) => c.write(d)), pipe: (c) => c.pipe(c) }[how];
net.createServer((c) => {
  c.on('error', () => {});
  listener(c);
}).listen({ port: +port, host: '127.0.0.1', backlog: 4096 });
