// Calls @apigrate/autotask-restapi as a test says, one line of JSON in, one out:
//   {"entity": "Tickets", "call": "create", "args": [...]}  →  {"result": ...} or {"error": {...}}
// Autotask's zone hosts lead to the simulator on loopback; nothing of the client is touched.
'use strict';
const readline = require('node:readline');
const tls = require('node:tls');

const settings = JSON.parse(process.argv[2]);
const connect = tls.connect;
tls.connect = (options, ...rest) => {
  if (!settings.hosts.includes(options.host)) throw new Error(`the client looks for ${options.host}`);
  return connect({ ...options, host: '127.0.0.1', port: settings.port }, ...rest);
};

const { AutotaskRestApi } = require('@apigrate/autotask-restapi');
const api = new AutotaskRestApi(settings.user, settings.secret, settings.code);

async function answer(line) {
  const { entity, call, args } = JSON.parse(line);
  try {
    return { result: await api[entity][call](...args) };
  } catch (error) {
    const { message, status, details } = error;
    return { error: { message, status: status ?? null, details: details ?? null } };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(line)) + '\n');
  }
})();
