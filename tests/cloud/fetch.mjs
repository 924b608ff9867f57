// SPDX-License-Identifier: Apache-2.0
// A page's fetch() as a browser carries it out, CORS included (https://fetch.spec.whatwg.org): it
// asks first whether it may, and keeps from the page what the answer does not share with it.
//
// usage: node fetch.mjs '{"origin", "method", "url", "headers", "as": "blob" | "form" | "stream" |
//                         "text", "path" or "text"}'
// Prints {"status", "headers", "body"}; what the browser forbids is an error, and status 1.
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';

// What a page may read of any answer, and send without asking.
const SAFE_ANSWER = ['cache-control', 'content-language', 'content-length', 'content-type',
  'expires', 'last-modified', 'pragma'];
const SAFE_REQUEST = ['accept', 'accept-language', 'content-language'];

const asked = JSON.parse(process.argv[2]);

const names = (value) => (value ?? '').toLowerCase().split(',').map((name) => name.trim());

function isShared(answer) {
  return ['*', asked.origin].includes(answer.headers.get('access-control-allow-origin'));
}

async function blob() {
  return new Blob([await readFile(asked.path)]);
}

async function body() {
  switch (asked.as) {
    case 'blob':
      return { body: await blob() };
    case 'form': {
      const form = new FormData();
      form.append('file', await blob(), 'image.qcow2');
      return { body: form };
    }
    case 'stream':
      return { body: Readable.toWeb(createReadStream(asked.path)), duplex: 'half' };
    case 'text':
      return { body: asked.text };
    default:
      return {};
  }
}

async function mayAsk() {
  const wanted = Object.keys(asked.headers).map((name) => name.toLowerCase())
    .filter((name) => !SAFE_REQUEST.includes(name)).sort();
  const headers = { Origin: asked.origin, 'Access-Control-Request-Method': asked.method,
    'Access-Control-Request-Headers': wanted.join(',') };
  const answer = await fetch(asked.url, { method: 'OPTIONS', headers });
  const methods = names(answer.headers.get('access-control-allow-methods'));
  const allowed = names(answer.headers.get('access-control-allow-headers'));
  return answer.ok && isShared(answer) && methods.includes(asked.method.toLowerCase()) &&
    wanted.every((name) => allowed.includes(name));
}

async function main() {
  if (!await mayAsk()) {
    throw new Error('the browser does not let the page send this');
  }
  const headers = { Origin: asked.origin, ...asked.headers };
  const answer = await fetch(asked.url, { method: asked.method, headers, ...await body() });
  if (!isShared(answer)) {
    throw new Error('the browser does not show the page the answer');
  }
  const exposed = [...SAFE_ANSWER, ...names(answer.headers.get('access-control-expose-headers'))];
  const shown = [...answer.headers].filter(([name]) => exposed.includes(name));
  const told = { status: answer.status, headers: Object.fromEntries(shown) };
  console.log(JSON.stringify({ ...told, body: await answer.text() }));
}

main().catch((error) => {
  console.log(`${error.message}${error.cause ? `: ${error.cause.message}` : ''}`);
  process.exitCode = 1;
});
