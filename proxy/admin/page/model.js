// SPDX-License-Identifier: Apache-2.0
// What the page computes from the answers of the proxy. Nothing here touches the document.

// --- texts -----------------------------------------------------------------------------

const STEPS = {
  share: 'waits for its share',
  queue: 'waits for a place',
  open: 'opens its file on disk',
  find: 'finds the format',
  decide: 'applies the policy',
  create: 'creates the image',
  judge: 'compares the image with the policy',
  invite: 'waits for the first byte',
  collect: 'goes to disk',
  prepare: 'checks the first data',
  settle: 'applies the policy again',
  quota: 'reserves in the quota',
  room: 'looks for space in the store',
  turn: 'waits for another upload to the image',
  send: 'goes to Glance',
  count: 'counts in the quota',
  prove: 'compares with what Glance stored',
  show: 'asks Glance for the image',
  answer: 'answers the client',
  cors: 'is refused',
};

export function stepText(upload) {
  if (upload.state === 'held') {
    return 'waits for its client';
  }
  if (upload.state === 'spooling') {
    return 'goes to disk';
  }
  if (upload.step === 'send' && upload.size !== null && upload.bytes >= upload.size) {
    return 'waits for the answer of Glance';
  }
  return STEPS[upload.step] ?? '';
}

// --- uploads ---------------------------------------------------------------------------

const numberOr = (value, other) => (Number.isFinite(value) ? value : other);

// A proxy of another version may write other figures, or none: those that are computed with are numbers here.
export function readable(upload) {
  const { bytes, spooled, age, seconds, size, bytes_per_second: average } = upload;
  return {
    ...upload,
    bytes: numberOr(bytes, 0),
    spooled: numberOr(spooled, 0),
    age: numberOr(age, 0),
    seconds: numberOr(seconds, 0),
    size: numberOr(size, null),
    bytes_per_second: numberOr(average, null),
  };
}

// The client chooses the request id, so it may occur twice.
export function withKeys(uploads) {
  const seen = new Map();
  return uploads.map((upload) => {
    const name = `${upload.proxy} ${upload.request_id} ${upload.began} ${upload.image}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return { ...upload, key: `${name} ${count}` };
  });
}

export function groupsOf(uploads) {
  return {
    running: uploads.filter(({ state }) => state !== 'queued' && state !== 'held'),
    queued: uploads.filter(({ state }) => state === 'queued'),
    held: uploads.filter(({ state }) => state === 'held'),
  };
}

const SEARCHED = ['name', 'image', 'project', 'store', 'rule', 'client', 'request_id', 'state', 'step', 'door',
  'method', 'verdict', 'reason', 'warnings', 'proxy'];

// Whether each word of the query is in the upload.
export function matches(upload, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const text = SEARCHED.map((key) => upload[key] ?? '').join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

// --- rates -----------------------------------------------------------------------------

const WINDOW = 8; // seconds
const SAMPLES = 16; // at most

// Whether `spooled` says how far the upload is; else `bytes` does. A held upload is on the proxy's disk, or at Glance.
export function onDisk(upload) {
  return upload.state === 'spooling' || (upload.state === 'held' && upload.spooled > upload.bytes);
}

export function doneOf(upload) {
  return onDisk(upload) ? upload.spooled : upload.bytes;
}

function newest(samples, sample) {
  const before = samples.at(-1);
  const again = before && (sample.done < before.done || sample.state !== before.state);
  const kept = again ? [] : samples.filter(({ age }) => sample.age - age <= WINDOW && age < sample.age);
  return [...kept, sample].slice(-SAMPLES);
}

function speed(samples) {
  const first = samples[0];
  const last = samples.at(-1);
  return last.age > first.age ? (last.done - first.done) / (last.age - first.age) : null;
}

// The rate of each upload over the last seconds. It keeps samples only of those that are in flight.
export class Rates {
  #samples = new Map();

  // Adds `rate` (bytes per second) and `left` (seconds) to each upload; null: not known.
  measure(uploads) {
    const samples = new Map();
    const measured = uploads.map((upload) => {
      const sample = { age: upload.age, done: doneOf(upload), state: upload.state };
      const all = newest(this.#samples.get(upload.key) ?? [], sample);
      samples.set(upload.key, all);
      return { ...upload, ...this.#figures(upload, all) };
    });
    this.#samples = samples;
    return measured;
  }

  #figures(upload, samples) {
    if (upload.state === 'held' || upload.state === 'queued') {
      return { rate: null, left: null };
    }
    const average = upload.state === 'sending' && doneOf(upload) > 0 ? upload.bytes_per_second : null;
    const rate = speed(samples) ?? average;
    const left = upload.size !== null && rate > 0 ? Math.max(0, upload.size - doneOf(upload)) / rate : null;
    return { rate, left };
  }

  get size() {
    return this.#samples.size;
  }
}
