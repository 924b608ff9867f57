// SPDX-License-Identifier: Apache-2.0
// Which images have an upload that is not finished. The browser keeps them, so that the upload goes on after the page
// was loaded again. Nothing in them is a secret.
import { address } from './proxy.js';

const KEY = `unfinished ${address('/')}`;
const MOST = 32;

function read() {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return []; // storage is forbidden, or it is not ours
  }
}

function write(list) {
  try {
    localStorage.setItem(KEY, JSON.stringify(list.slice(-MOST)));
  } catch {
    // They are kept as long as the page is open.
  }
}

export function all() {
  return read();
}

function isOf(entry, file) {
  return entry.name === file.name && entry.size === file.size && entry.modified === file.lastModified;
}

// The id of the image for this very file. null: there is none.
export function find(file) {
  return read().find((entry) => isOf(entry, file))?.id ?? null;
}

export function keep(file, id) {
  write([...read().filter((entry) => !isOf(entry, file)),
    { id, name: file.name, size: file.size, modified: file.lastModified }]);
}

export function forget(id) {
  write(read().filter((entry) => entry.id !== id));
}
