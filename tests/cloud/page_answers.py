# SPDX-License-Identifier: Apache-2.0
"""Answers that the page for operators gets from a script, since a cloud rarely gives them."""

# From now on the page asks a script instead of the proxy: the n-th answer, from 0 on, has ANSWER in it. `pause` is
# the time between two questions; null: the page's own. After `window.most` questions the page rests,
# and has shown the last answer, until `window.goOn` is called.
INVENT = """
const [pause] = arguments;
const later = window.later ??= window.setTimeout;
const version = document.getElementById('version').textContent;
const row = (id, more) => ({request_id: `req-${id}`, began: '2026-01-31T12:00:00Z', client: '192.0.2.7', name: null,
  project: 'demo', image: `image-${id}`, store: 'test', rule: 'default', door: 'upload', method: null, size: null,
  bytes: 0, queued: 0, bytes_per_second: 0, warnings: null, age: 1, step: 'send', state: 'sending', spooled: 0,
  seconds: 1, glance_status: 204, verdict: 'stored', reason: null, ...more});
const answer = (n) => (ANSWER);
window.asked = 0;
window.most = Infinity;
window.setTimeout = (call, after) => {
  const goOn = () => later(call, pause ?? after);
  window.goOn = window.asked < window.most ? void goOn() : goOn;
};
window.fetch = async () => new Response(JSON.stringify({version, ready: true, problems: [], endpoints: [],
  peers: [], refusals: [], in_flight: [], finished: [], ...answer(window.asked++)}));
window.goOn?.();
"""

TROUBLE = """{
  ready: false, problems: ['the policy names the store gold'],
  peers: [{peer: '192.0.2.12:9294', state: 'answers'}, {peer: '192.0.2.13:9294', state: 'silent'}],
  proxies: [{proxy: 'this', answers: true}, {proxy: '192.0.2.12:9294', answers: true},
    {proxy: '192.0.2.13:9294', answers: false, problem: 'Timeout was reached'}],
  endpoints: [{endpoint: 'http://192.0.2.10:9393', state: 'out', uploads: 0, check_seconds: null,
    problem: 'no answer'}],
  in_flight: [row('disk', {proxy: 'this', state: 'spooling', spooled: (n + 1) * 10 * 2 ** 20, age: n, size: 2 ** 30}),
    row('endless', {proxy: '192.0.2.12:9294', bytes: 5000, warnings: 'truncated'}),
    {proxy: '192.0.2.12:9294', image: 'image-odd', began: 7, state: 'sending', bytes: 'many', name: ['n'], age: {}},
    row('kept', {request_id: null, step: 'dormant', state: 'held', spooled: 2 ** 29, size: 2 ** 30})],
  finished: [row('bad', {verdict: 'failed', reason: 'verify_failed'}),
    row('409', {verdict: 'rejected', glance_status: 409}), {image: 'image-odd', seconds: 'long', verdict: 1}],
}"""

MANY = """{
  in_flight: Array.from({length: 10}, (_, i) => row(`${n}-${i}`, {bytes: n, size: 10000, name: `image ${n}`})),
  finished: Array.from({length: 20}, (_, i) => row(`${n + i}`, {name: `ended ${n + i}`})),
  refusals: [{reason: 'truncated', status: 400, count: n, per_minute: Array(60).fill(n), message: '', hint: ''}],
}"""
