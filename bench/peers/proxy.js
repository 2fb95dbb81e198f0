// A proxy on Node's net: node proxy.js PORT UPSTREAM_PORT
const net = require('net');
const [port, upstreamPort] = process.argv.slice(2);
net.createServer({ allowHalfOpen: true, noDelay: true }, (c) => {
  const u = net.connect({ port: +upstreamPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  c.on('error', () => u.destroy());
  u.on('error', () => c.destroy());
  c.pipe(u);
  u.pipe(c);
}).listen({ port: +port, host: '127.0.0.1', backlog: 4096 });
