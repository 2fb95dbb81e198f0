// Runs scenarios (JSON on standard input) on the Node that runs this file, and prints one JSON line of trace per
// scenario. driver.py is the same machine on netcore; vocabulary and notation are described in README.md.
'use strict';
const fs = require('fs');
const net = require('net');
const events = require('events');

const vocabulary = require('./vocabulary.json');
const TURNS_TO_SETTLE = vocabulary.turnsToSettle;
const FRESH = vocabulary.fresh;

// ---- the raw peers live in the process that started us: one line of JSON each way, synchronously -------------------

const [TO_PEERS, FROM_PEERS] = process.argv.slice(2).map(Number);
let unread = '';
function readReply() {
  const block = Buffer.alloc(1 << 16);
  for (;;) {
    const end = unread.indexOf('\n');
    if (end >= 0) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 1);
      return JSON.parse(line);
    }
    unread += block.toString('latin1', 0, fs.readSync(FROM_PEERS, block, 0, block.length, null));
  }
}

function askPeer(id, method, args) {
  const plain = args.map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value));
  fs.writeSync(TO_PEERS, JSON.stringify({ id, method, args: plain }) + '\n');
  const reply = readReply();
  if (reply.error) throw new Error(`peer.${method}: ${reply.error}`);
  if (reply.peer === undefined) return reply.value;
  if (reply.fields.port) current.remember(reply.fields.port);
  return new RawPeer(reply.peer, reply.fields);
}

class RawPeer {
  constructor(id, fields) {
    this.id = id;
    Object.assign(this, fields);
  }
}
for (const method of vocabulary.peerMethods) {
  RawPeer.prototype[method] = function(...args) { return askPeer(this.id, method, args); };
}

// ---- notation: the same text for the same value in both languages --------------------------------------------------

function checksum(buffer) {
  let a = 1, b = 0;
  for (const byte of buffer) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return (b * 65536 + a).toString(16);
}

function showBytes(buffer) {
  if (buffer.length > 80) return `bytes(${buffer.length} #${checksum(buffer)})`;
  let out = '';
  for (const byte of buffer) {
    const plain = byte >= 32 && byte < 127 && byte !== 92 && byte !== 39;
    out += plain ? String.fromCharCode(byte) : '\\x' + byte.toString(16).padStart(2, '0');
  }
  return `b'${out}'`;
}

class Run {
  constructor(scenario) {
    this.scenario = scenario;
    this.trace = [];
    this.labels = new Map();
    this.lanes = new Map();
    this.ports = new Map();
    this.counts = new Map();
    this.timers = [];
    this.pending = null;
    this.position = 0;
    this.over = false;
    this.scope = makeScope(this);
  }

  // -- text

  text(value) {
    if (this.scenario.path) value = value.split(this.scenario.path).join('<dir>');
    value = value.replace(/(?<=:|port=|PORT )(\d{4,5})(?!\d)/g, (all, digits) => this.portName(Number(digits)));
    return value;
  }

  portName(port) {
    if (port < 1024) return String(port);
    return this.ports.get(port) ?? '<port>';
  }

  showPort(value) {
    return typeof value === 'number' ? this.portName(value) : this.show(value);
  }

  show(value, depth = 0) {
    if (value === undefined || value === null) return 'None';
    if (value === true) return 'True';
    if (value === false) return 'False';
    if (typeof value === 'number') return this.ports.get(value) ?? String(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'string') return value.length > 200 ? `str(${value.length} #${checksum(Buffer.from(value))})` : JSON.stringify(this.text(value));
    if (this.labels.has(value)) return `<${this.labels.get(value)}>`;
    if (value instanceof Error) return this.showError(value);
    if (ArrayBuffer.isView(value)) return showBytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    if (typeof value === 'symbol') return `symbol`;
    if (typeof value === 'function') return '<function>';
    if (depth > 3) return '...';
    if (Array.isArray(value)) return '[' + value.map((item) => this.show(item, depth + 1)).join(', ') + ']';
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      const items = Object.keys(value).filter((key) => value[key] !== undefined).sort().map((key) => {
        const shown = /port/i.test(key) ? this.showPort(value[key]) : this.show(value[key], depth + 1);
        return `${key}: ${shown}`;
      });
      return '{' + items.join(', ') + '}';
    }
    return `<${value.constructor?.name}>`;
  }

  showError(error) {
    if (error instanceof AggregateError) {
      return `Group(${error.code} [${error.errors.map((item) => this.show(item, 1)).join(', ')}])`;
    }
    if (error instanceof DOMException) return `Error(${error.name} ${JSON.stringify(error.message)})`;
    const code = typeof error.code === 'string' ? error.code : '';
    const parts = [errorClass(error, code)];
    if (code && code !== 'ABORT_ERR') parts.push(code);
    if (typeof error.errno === 'number' && !['ENOTFOUND', 'EAI_AGAIN'].includes(code)) parts.push(`errno=${Math.abs(error.errno)}`);
    for (const field of ['syscall', 'address', 'hostname']) {
      if (error[field] !== undefined && error[field] !== null) parts.push(`${field}=${this.text(String(error[field]))}`);
    }
    if (error.port !== undefined) parts.push(`port=${this.showPort(error.port)}`);
    parts.push(JSON.stringify(this.text(messageForm(error.message))));
    return `Error(${parts.join(' ')})`;
  }

  // -- the trace

  write(lane, text) {
    if (this.over) return;
    this.trace.push([lane, text]);
  }

  event(label, name, args) {
    args = [...args];
    while (args.length && (args.at(-1) === undefined || args.at(-1) === null)) args.pop();
    this.write(this.laneOf(label), `${label} '${name}'` + args.map((value) => ' ' + this.show(value)).join(''));
    const key = `${label}:${name}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.poll();
  }

  bulk(label, name, chunk) {
    const key = `${label}:${name}`;
    const state = this.counts.get('bulk ' + key) ?? { length: 0, parts: [] };
    state.parts.push(Buffer.from(chunk));
    state.length += chunk.length;
    this.counts.set('bulk ' + key, state);
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.poll();
  }

  laneOf(label) { return this.lanes.get(label) ?? 'main'; }

  name(label, object) {
    if (object !== null && (typeof object === 'object' || typeof object === 'function')) {
      if (!this.labels.has(object)) this.labels.set(object, label);
      if (object instanceof net.Server) this.lanes.set(label, this.scenario.total ? 'main' : label);
    }
    this.scope[label] = object;
  }

  // -- steps

  evaluate(step) {
    const assignment = /^([a-z]\w*) = (.*)$/s.exec(step);
    const expression = assignment ? assignment[2] : step;
    const value = new Function('scope', `with (scope) { return (${expression}) }`)(this.scope);
    if (assignment) this.name(assignment[1], value);
    return value;
  }

  perform(step, lane, silent) {
    const where = lane ?? '*';
    this.write(where, `> ${step}`);
    const quiet = silent || /^(watch|show|state|rec|hold|peer|fn|path)\b/.test(step);
    try {
      const value = this.evaluate(step);
      if (!quiet) this.write(lane ?? 'main', `= ${this.show(value)}`);
      return value;
    } catch (error) {
      this.write(lane ?? 'main', `! ${this.show(error)}`);
    }
  }

  holds(expression) {
    try {
      return Boolean(new Function('scope', `with (scope) { return (${expression}) }`)(this.scope));
    } catch {
      return false;
    }
  }

  satisfied() {
    return this.pending.every((condition) => {
      if (condition.until) return this.holds(condition.until);
      return (this.counts.get(condition.event) ?? 0) >= condition.count;
    });
  }

  poll() {
    if (!this.pending || !this.satisfied()) return;
    this.pending = null;
    clearTimeout(this.deadline);
    clearInterval(this.ticker);
    settle(TURNS_TO_SETTLE, () => this.advance());
  }

  wait(conditions) {
    this.pending = conditions;
    this.deadline = setTimeout(() => this.giveUp(), vocabulary.waitLimitMs);
    if (conditions.some((condition) => condition.until)) this.ticker = setInterval(() => this.poll(), 1);
    this.poll();
  }

  giveUp() {
    this.write('*', `TIMEOUT at step ${this.position}: ${this.scenario.steps[this.position - 1].text}`);
    clearInterval(this.ticker);
    this.pending = null;
    this.finish();
  }

  advance() {
    if (this.over) return;
    while (this.position < this.scenario.steps.length) {
      const step = this.scenario.steps[this.position++];
      if (step.kind === 'do') {
        this.perform(step.text, undefined, step.silent);
      } else if (step.kind === 'wait') {
        this.write('*', `> ${step.text}`);
        return this.wait(step.conditions);
      } else if (step.kind === 'settle') {
        this.write('*', `> ${step.text}`);
        return settle(step.turns, () => this.advance());
      }
    }
    settle(TURNS_TO_SETTLE, () => this.finish());
  }

  finish() {
    if (this.over) return;
    for (const [key, state] of this.counts) {
      if (!key.startsWith('bulk ')) continue;
      const label = key.slice(5).split(':')[0];
      this.write(this.laneOf(label), `${key.slice(5)} in all ${showBytes(Buffer.concat(state.parts))}`);
    }
    this.over = true;
    for (const timer of this.timers) {
      clearTimeout(timer);
      clearImmediate(timer);
    }
    for (const object of [...this.labels.keys()]) {
      try {
        if (object instanceof net.Socket) object.on('error', () => {}).destroy();
        if (object instanceof net.Server) object.on('error', () => {}).close();
        if (object instanceof net.BoundSocket) object.close();
      } catch { /* a half-made object has nothing to close */ }
    }
    askPeer(0, 'leave', []);
    settle(TURNS_TO_SETTLE, () => this.done());
  }
}

function settle(turns, then) {
  if (turns === 0) return then();
  setImmediate(() => settle(turns - 1, then));
}

function errorClass(error, code) {
  if (vocabulary.valueErrors.includes(code)) return 'ValueError';
  if (vocabulary.typeErrors.includes(code)) return 'TypeError';
  if (code === 'ABORT_ERR') return 'AbortError';
  if (code.startsWith('ERR_')) return 'RuntimeError';
  if (code) return 'OSError';
  return error instanceof TypeError ? 'TypeError' : 'Error';
}

// Values of one language only are brought to one form; the rest of the message is compared to the letter.
function messageForm(message) {
  return message.replace(/Received (null|undefined)/, 'Received None').replace(/(address|family): undefined/, '$1: None')
    .replace(/Invalid IP address: [[{].*/, 'Invalid IP address: something').replace(/an instance of \w+(?=\.?$)/, 'an instance')
    .replace(/ - Local \(undefined:undefined\)/, '')
    .replace(/Received function.*/, 'Received function').replace(/Received \[[^]*|Received \{[^]*/, 'Received something')
    .replace(/Received an instance.*/, 'Received something');
}

// ---- the vocabulary of the steps ---------------------------------------------------------------------------------

function callable(target) {
  return new Proxy(target, { apply: (constructor, self, args) => new constructor(...args) });
}

const netNames = { ...net };
for (const name of ['BlockList', 'SocketAddress', 'BoundSocket']) netNames[name] = callable(net[name]);

function bytes(text) { return Buffer.from(text, 'latin1'); }

function makeScope(run) {
  const scope = {
    net: netNames,
    True: true, False: false, None: undefined, Null: null, NaN, Infinity,
    EventEmitter: callable(events.EventEmitter),
    AbortController: callable(AbortController),
    AbortSignal,
    B: bytes,
    every_byte: () => Buffer.from(Array.from({ length: 256 }, (_, index) => index)),
    fill: (count, text) => Buffer.alloc(count, text),
    text: (count, text) => text.repeat(count),
    buffer: (count) => Buffer.alloc(count),
    len: (value) => value.length,
    in_order: (value) => [...value].sort(),
    list: (value) => [...value],
    str: (value) => String(value),
    peer: new RawPeer(0, {}),
    port: (server) => remember(server.address().port),
    known: (port) => remember(port),
    rec: (label, ...args) => run.event(label, 'rec', args),
    raises: (text) => { throw new Error(text); },
    boom: (text) => () => { throw new Error(text); },
    nothing: () => {},
    path: (name) => `${run.scenario.path}/${name}`,
    lane: (object, lane) => { run.lanes.set(run.labels.get(object), lane); },
    tick: (label, body) => process.nextTick(scope.fn(label, body)),
    immediate: (label, body) => { run.timers.push(setImmediate(scope.fn(label, body))); },
    timer: (ms, label, body) => { run.timers.push(setTimeout(scope.fn(label, body), ms)); },
    nextTick: process.nextTick,
    setImmediate: (...args) => keep(setImmediate(...args)),
    setTimeout: (...args) => keep(setTimeout(...args)),
    setInterval: (...args) => keep(setInterval(...args)),
    clearTimeout, clearInterval, clearImmediate,
  };

  function keep(timer) {
    run.timers.push(timer);
    return timer;
  }

  function remember(port) {
    if (!run.ports.has(port)) run.ports.set(port, `P${run.ports.size + 1}`);
    return port;
  }
  run.remember = remember;

  scope.fn = (label, body) => {
    const statements = body ? body.split('; ') : [];
    const listener = (...args) => {
      run.event(label, 'called', args);
      const before = scope.args;
      scope.args = args;
      let value;
      for (const statement of statements) value = run.perform(statement, run.laneOf(label));
      scope.args = before;
      return value;
    };
    run.labels.set(listener, label);
    return listener;
  };

  scope.watch = (object, ...extra) => {
    const label = run.labels.get(object);
    const names = object instanceof net.Socket ? vocabulary.socketEvents : vocabulary.serverEvents;
    for (const name of [...names, ...extra]) scope.watchOnly(object, name);
    return label;
  };
  scope.watchOnly = (object, ...names) => {
    const label = run.labels.get(object);
    for (const name of names) {
      if (name === 'bulk') object.on('data', (chunk) => run.bulk(label, 'data', chunk));
      else object.on(name, (...args) => run.event(label, name, args));
    }
  };
  // A connection listener: the accepted sockets are called PREFIX1, PREFIX2, ... and live in the server's lane.
  scope.accept = (prefix, ...rest) => {
    const body = rest.length && rest[rest.length - 1].startsWith('do ') ? rest.pop().slice(3) : '';
    let count = 0;
    return (socket) => {
      const label = `${prefix}${++count}`;
      run.lanes.set(label, run.scenario.total ? 'main' : prefix);
      run.name(label, socket);
      scope.watch(socket, ...rest);
      run.event(label, 'accepted', []);
      for (const statement of body ? body.split('; ') : []) run.perform(statement.replaceAll('@', label), run.laneOf(label));
    };
  };
  scope.show = (object, ...names) => {
    if (object === undefined) return run.write('main', 'nothing to show');
    const label = run.labels.get(object) ?? '?';
    const shown = names.map((name) => {
      const value = object[name];
      return `${name}=${/port$/i.test(name) ? run.showPort(value) : run.show(value)}`;
    });
    run.write(run.laneOf(label), `${label} has ${shown.join(' ')}`);
  };
  scope.state = (object) => {
    const label = run.labels.get(object);
    const told = Object.keys(FRESH).map((name) => [name, run.show(object[name])]).filter(([name, shown]) => shown !== FRESH[name]);
    run.write(run.laneOf(label), `${label} is ${told.map(([name, shown]) => `${name}=${shown}`).join(' ') || 'fresh'}`);
  };
  scope.lookup = (label, answer, ...flags) => (host, options, callback) => {
    run.event(label, 'lookup of', [host, { family: options.family, hints: options.hints, all: options.all }]);
    if (flags.includes('now')) callback(...answer);
    else process.nextTick(() => callback(...answer));
  };
  scope.osError = (code, message) => Object.assign(new Error(message), { code });
  scope.iterate = (object, label, limit) => {
    (async () => {
      let seen = 0;
      try {
        for await (const item of object) {
          run.event(label, 'item', [item]);
          if (++seen === limit) break;
        }
        run.event(label, 'iterated', []);
      } catch (error) {
        run.event(label, 'raised', [error]);
      }
    })();
  };
  scope.once = (emitter, name, label) => {
    events.once(emitter, name).then((args) => run.event(label, 'resolved', args), (error) => run.event(label, 'raised', [error]));
  };
  scope.dispose = (server, label) => {
    server[Symbol.asyncDispose]().then(() => run.event(label, 'rec', []), (error) => run.event(label, 'raised', [error]));
  };
  scope.collected = (label) => run.counts.get('bulk ' + label)?.length ?? 0;
  scope.seen = (event) => run.counts.get(event) ?? 0;
  return scope;
}

// ---- scenarios, one after the other -------------------------------------------------------------------------------

let current = null;
process.on('uncaughtException', (error) => {
  if (current) {
    current.write('main', `uncaught ${current.show(error)}`);
    current.counts.set('uncaught', (current.counts.get('uncaught') ?? 0) + 1);
    current.poll();
  }
});

function runAll(scenarios) {
  const scenario = scenarios.shift();
  if (!scenario) return process.exit(0);
  current = new Run(scenario);
  current.done = () => {
    fs.writeSync(1, JSON.stringify({ name: scenario.name, trace: current.trace }) + '\n');
    setImmediate(runAll, scenarios);
  };
  setImmediate(() => current.advance());
}

runAll(JSON.parse(fs.readFileSync(0, 'utf8')));
