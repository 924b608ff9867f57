// SPDX-License-Identifier: Apache-2.0
// Asks for /status about once a second while the page is seen, and shows the answers. With other proxies before the
// same Glance it asks for /uploads?all, too. It begins again by itself when the proxy was away.
import { groupsOf, matches, Rates, readable, withKeys } from './model.js';
import { bytesText } from './texts.js';
import { timeText, View } from './view.js';

const PAUSE = 1000; // between two questions, in milliseconds
const PATIENCE = 10000; // with one question
const SHARE = 10; // a slow answer makes the pauses longer: at most a tenth of the time is spent asking

const view = new View();
const rates = new Rates();
const search = document.getElementById('search');
let shown = null; // the last answer, with rates
let version = null; // of the program that gave the first answer
let failingSince = null;
let asking = false;
let timer = null;

// --- what is shown ---------------------------------------------------------------------

function endOf(upload) {
  return Date.parse(upload.began) + upload.seconds * 1000;
}

// The lists of several proxies stand one after the other, each with its newest upload first.
function newestFirst(uploads, when) {
  return uploads.sort((a, b) => when(b) - when(a));
}

// Adds what the page needs to an answer.
function prepared(status) {
  const running = newestFirst(status.in_flight.map(readable), ({ began }) => Date.parse(began));
  return {
    ...status,
    in_flight: rates.measure(withKeys(running)),
    finished: newestFirst(withKeys(status.finished.map(readable)).map((upload) => ({ ...upload, ended: endOf(upload) })),
      ({ ended }) => ended),
    endpoints: status.endpoints.map((row) => ({ ...row, key: row.endpoint })),
    refusals: status.refusals.map((row) => ({ ...row, key: row.reason })).sort((a, b) => b.count - a.count),
  };
}

function sum(rows, key) {
  return rows.reduce((total, row) => total + (row[key] ?? 0), 0);
}

// Of the other proxies before the same Glance; none if there are no others.
function peersTotal(peers) {
  const answering = peers.filter(({ state }) => state === 'answers').length;
  return peers.length ? [['Other proxies that answer', `${answering} of ${peers.length}`]] : [];
}

function showTotals(groups, status) {
  view.totals([
    ['Uploads', String(groups.running.length)],
    ['Rate', `${bytesText(sum(groups.running, 'rate'))}/s`],
    ['Waiting', String(groups.queued.length)],
    ['Held', String(groups.held.length)],
    ['Refused in the last hour', String(sum(status.refusals, 'count'))],
    ...peersTotal(status.peers),
  ]);
}

// Sentences about what is wrong; none: all is well.
function problemsOf(status) {
  const silent = (status.proxies ?? []).filter(({ answers }) => !answers);
  return [
    ...status.problems.map((problem) => `Not ready: ${problem}.`),
    ...silent.map(({ proxy, problem }) => `The uploads at the proxy ${proxy} are not shown: ${problem}.`),
  ];
}

function show(status) {
  const query = search.value.trim();
  const wanted = (uploads) => uploads.filter((upload) => matches(upload, query));
  const groups = groupsOf(status.in_flight);
  view.version(status.version);
  view.several(status.peers.length > 0);
  view.problems(problemsOf(status));
  showTotals(groups, status);
  for (const [name, uploads] of Object.entries({ ...groups, finished: status.finished })) {
    const found = wanted(uploads);
    view.show(name, found, found.length < uploads.length);
  }
  view.show('refusals', status.refusals, false);
  view.show('endpoints', status.endpoints, false);
  document.title = `${status.in_flight.length} in flight – glance-intake`;
}

// --- asking ----------------------------------------------------------------------------

function answered(status) {
  version ??= status.version;
  if (version !== status.version) {
    location.reload(); // a program of another version has another page
    return;
  }
  failingSince = null;
  shown = prepared(status);
  show(shown);
  view.begin();
  view.connection(`live, ${timeText(Date.now())}`, null);
}

function failed() {
  failingSince ??= Date.now();
  view.connection('', `Not reachable since ${timeText(failingSince)}. Trying again.`);
  document.title = 'Not reachable – glance-intake';
}

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) {
    throw new Error(`status ${answer.status}`);
  }
  return answer.json();
}

async function askAll() {
  const status = await ask('/status');
  return status.peers.length ? { ...status, ...await ask('/uploads?all') } : status;
}

// Only one question is under way, and only one timer is set.
async function poll() {
  clearTimeout(timer);
  if (asking || document.hidden) {
    return;
  }
  asking = true;
  const began = performance.now();
  try {
    answered(await askAll());
  } catch {
    failed();
  }
  asking = false;
  timer = setTimeout(poll, Math.max(PAUSE, failingSince ? 0 : (performance.now() - began) * SHARE));
}

// --- controls --------------------------------------------------------------------------

const THEMES = ['auto', 'light', 'dark'];

function storedTheme() {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null; // storage is forbidden
  }
}

function setTheme(theme) {
  const button = document.getElementById('theme');
  button.textContent = `Theme: ${theme}`;
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // It holds until the page is closed.
  }
}

setTheme(THEMES.find((theme) => theme === storedTheme()) ?? 'auto');
document.getElementById('theme').addEventListener('click', () => {
  const now = THEMES.indexOf(document.documentElement.dataset.theme);
  setTheme(THEMES[(now + 1) % THEMES.length]);
});
search.addEventListener('input', () => shown && show(shown));
document.addEventListener('visibilitychange', poll);
poll();
