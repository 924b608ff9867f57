// SPDX-License-Identifier: Apache-2.0
// Requests to the proxy, and how they end.

// The connection broke, or there was no answer.
export class Lost extends Error {}

// The proxy, or Glance, has refused.
export class Refused extends Error {
  constructor(status, { message, hint, reason } = {}) {
    super(message || `The server has answered ${status}.`);
    this.status = status;
    this.hint = hint ?? '';
    this.reason = reason ?? '';
  }
}

// Glance may put marks of HTML around its message.
function plain(message) {
  return String(message).replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();
}

function refused(status, text) {
  try {
    const told = JSON.parse(text);
    return new Refused(status, { ...told, message: plain(told.message ?? '') });
  } catch {
    return new Refused(status); // from something between this page and the proxy
  }
}

// The address that belongs to a path of the proxy: the page may be below a prefix.
export function address(path) {
  return new URL(`..${path}`, document.baseURI).href;
}

// No answer makes the browser ask for a password: `omit` says so. Nothing is kept in its cache.
async function fetched(method, path, headers, body) {
  try {
    return await fetch(address(path), {
      method, headers: { Accept: 'application/json', ...headers }, body,
      cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer',
    });
  } catch (error) {
    throw new Lost(error.message);
  }
}

// A small request. `told` is the JSON of the answer; null: it has none.
export async function ask(method, path, headers = {}, body = undefined) {
  const answer = await fetched(method, path, headers, body);
  let text;
  try {
    text = await answer.text();
  } catch (error) {
    throw new Lost(error.message);
  }
  if (!answer.ok) {
    throw refused(answer.status, text);
  }
  return { headers: answer.headers, told: text.trim() ? JSON.parse(text) : null };
}

// Sends a part of a file. `progress` is called with the bytes that are sent so far. Only
// XMLHttpRequest tells of them.
export function send(method, path, headers, data, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lost = () => reject(new Lost('The connection broke.'));
    request.open(method, address(path));
    for (const [name, value] of Object.entries({ Accept: 'application/json', ...headers })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded));
    request.addEventListener('error', lost);
    request.addEventListener('abort', lost);
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300) {
        resolve({ get: (name) => request.getResponseHeader(name) });
      } else {
        reject(refused(request.status, request.responseText));
      }
    });
    signal.addEventListener('abort', () => request.abort());
    request.send(data);
  });
}
