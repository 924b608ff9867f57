// SPDX-License-Identifier: Apache-2.0
// Shows the state in the document. All text goes in by textContent, and elements are kept from one
// answer to the next: nothing flickers, and nothing grows.
import { doneOf, onDisk, stepText } from './model.js';
import { bytesText, clean, durationText } from './texts.js';

const SHOWN_MAX = 200; // rows of a table
const SVG = 'http://www.w3.org/2000/svg';

// --- elements --------------------------------------------------------------------------

const byId = (id) => document.getElementById(id);

function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function setClass(element, name) {
  if (element.className !== name) {
    element.className = name;
  }
}

// The child with this class; made where it is not there yet.
function part(parent, name, tag = 'span') {
  let child = parent.querySelector(`:scope > .${name}`);
  if (!child) {
    child = document.createElement(tag);
    child.className = name;
    parent.append(child);
  }
  return child;
}

function partText(parent, name, text, tag) {
  const child = part(parent, name, tag);
  setText(child, text);
  child.hidden = text === '';
}

// --- tables ----------------------------------------------------------------------------

// `columns`: [title, class, show(cell, row)]. Rows are known by their `key`.
class Table {
  #body = document.createElement('tbody');
  #rows = new Map();

  constructor(id, columns, words) {
    this.table = byId(id);
    this.note = byId(`${id}-note`);
    this.section = this.table.closest('section');
    this.columns = columns;
    this.words = words;
    const head = this.table.createTHead().insertRow();
    for (const [title, name] of columns) {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.className = name;
      cell.textContent = title;
      head.append(cell);
    }
    this.table.append(this.#body);
  }

  #make() {
    const row = document.createElement('tr');
    for (const [title, name] of this.columns) {
      const cell = row.insertCell();
      cell.className = name;
      cell.dataset.title = title;
    }
    return row;
  }

  // `searched`: some rows may be missing because of the search.
  show(rows, searched) {
    const before = this.#rows;
    this.#rows = new Map();
    let place = this.#body.firstElementChild;
    for (const row of rows.slice(0, SHOWN_MAX)) {
      const element = before.get(row.key) ?? this.#make();
      before.delete(row.key);
      this.#rows.set(row.key, element);
      this.columns.forEach(([, , show], i) => show(element.cells[i], row));
      if (element === place) {
        place = place.nextElementSibling;
      } else {
        this.#body.insertBefore(element, place);
      }
    }
    before.forEach((element) => element.remove());
    this.table.hidden = rows.length === 0;
    this.#remark(rows.length, searched);
  }

  #remark(count, searched) {
    const more = count > SHOWN_MAX ? `${count - SHOWN_MAX} more are not shown. Search to see them.` : '';
    const none = searched ? 'Nothing matches the search.' : this.words;
    setText(this.note, count ? more : none);
    this.note.hidden = this.note.textContent === '';
    this.section.hidden = count === 0 && none === '';
  }
}

// --- cells -----------------------------------------------------------------------------

function showImage(cell, upload) {
  const name = part(cell, 'name', 'bdi');
  setText(name, clean(upload.name || upload.image));
  if (name.title !== name.textContent) {
    name.title = name.textContent;
  }
  partText(cell, 'id', upload.name ? clean(upload.image) : '');
}

function showProgress(cell, upload) {
  const bar = part(cell, 'bar', 'progress');
  const done = doneOf(upload);
  bar.setAttribute('aria-label', onDisk(upload) ? 'On disk' : 'Sent to Glance');
  if (upload.size) {
    bar.max = upload.size;
    bar.value = Math.min(done, upload.size);
  } else {
    bar.removeAttribute('value');
  }
  const percent = upload.size ? `${Math.floor(Math.min(1, done / upload.size) * 100)} %` : '';
  const size = upload.size === null ? ', length unknown' : ` of ${bytesText(upload.size)}`;
  partText(cell, 'percent', percent);
  partText(cell, 'bytes', bytesText(done) + size);
}

const showRate = (cell, { rate }) => setText(cell, rate === null ? '–' : `${bytesText(rate)}/s`);
const showLeft = (cell, { left }) => setText(cell, left === null ? '–' : durationText(left));
const showAge = (cell, { age }) => setText(cell, durationText(age));
const showStore = (cell, { store }) => setText(cell, clean(store) || '–');
const showProject = (cell, { project }) => setText(cell, clean(project) || '–');

const showProxy = (cell, { proxy }) => setText(cell, proxy === 'this' ? 'this one' : clean(proxy));

function showWarnings(cell, upload) {
  partText(cell, 'warning', upload.warnings ? `warning: ${upload.warnings}` : '');
}

function showStep(cell, upload) {
  partText(cell, 'step', upload.step, 'code');
  partText(cell, 'does', stepText(upload));
  showWarnings(cell, upload);
}

// The bars of sixty minutes, up to now.
function showMinutes(cell, { per_minute: counts, reason }) {
  let svg = cell.querySelector('svg');
  if (!svg) {
    svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', `0 0 ${counts.length * 3} 24`);
    svg.setAttribute('preserveAspectRatio', 'xMinYMid');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `${reason} by the minute, in the last hour`);
    counts.forEach((_, i) => {
      const bar = document.createElementNS(SVG, 'rect');
      bar.setAttribute('x', i * 3);
      bar.setAttribute('width', 2);
      svg.append(bar);
    });
    cell.append(svg);
  }
  const highest = Math.max(...counts);
  counts.forEach((count, i) => {
    const height = count ? Math.max(3, Math.round(24 * count / highest)) : 1;
    svg.children[i].setAttribute('y', 24 - height);
    svg.children[i].setAttribute('height', height);
  });
}

function showAdvice(cell, refusal) {
  partText(cell, 'message', refusal.message, 'p');
  partText(cell, 'hint', refusal.hint, 'p');
}

const time = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
export const timeText = (when) => (Number.isNaN(when) ? '–' : time.format(when));

const GOOD = ['stored', 'accepted'];

function showVerdict(cell, upload) {
  const why = upload.reason ?? (GOOD.includes(upload.verdict) ? null : upload.glance_status);
  const word = part(cell, GOOD.includes(upload.verdict) ? 'good' : 'bad');
  setText(word, why ? `${upload.verdict}: ${why}` : upload.verdict);
  showWarnings(cell, upload);
}

function showState(cell, endpoint) {
  const state = part(cell, 'state');
  setText(state, endpoint.state);
  setClass(state, `state ${endpoint.state}`);
  partText(cell, 'problem', clean(endpoint.problem));
}

// --- the page --------------------------------------------------------------------------

const UPLOAD = [
  ['Image', 'image', showImage],
  ['Progress', 'progress', showProgress],
  ['Rate', 'number', showRate],
  ['Left', 'number', showLeft],
  ['Store', 'fact', showStore],
  ['Project', 'fact project', showProject],
  ['Proxy', 'fact proxy', showProxy],
  ['Step', 'doing', showStep],
];
const WAITING = UPLOAD.filter(([title]) => title !== 'Rate').map((column) =>
  column[0] === 'Left' ? ['Age', 'number', showAge] : column);

export class View {
  #tables = {
    running: new Table('running', UPLOAD, 'No upload is under way.'),
    queued: new Table('queued', WAITING, ''),
    held: new Table('held', WAITING, ''),
    refusals: new Table('refusals', [
      ['Reason', 'reason', (cell, { reason }) => setText(cell, reason)],
      ['Count', 'number', (cell, { count }) => setText(cell, String(count))],
      ['By the minute', 'minutes', showMinutes],
      ['What to do', 'advice', showAdvice],
    ], 'None.'),
    endpoints: new Table('endpoints', [
      ['Endpoint', 'endpoint', (cell, { endpoint }) => setText(cell, clean(endpoint))],
      ['State', 'health', showState],
      ['Uploads', 'number', (cell, { uploads }) => setText(cell, String(uploads))],
      ['Last check', 'number', (cell, { check_seconds: s }) =>
        setText(cell, s === null ? '–' : `${Math.round(s * 1000)} ms`)],
    ], 'No endpoint is known.'),
    finished: new Table('finished', [
      ['Ended', 'when', (cell, { ended }) => setText(cell, timeText(ended))],
      ['Image', 'image', showImage],
      ['Result', 'verdict', showVerdict],
      ['Bytes', 'number', (cell, { bytes }) => setText(cell, bytesText(bytes))],
      ['Took', 'number', (cell, { seconds }) => setText(cell, durationText(seconds))],
      ['Store', 'fact', showStore],
      ['Project', 'fact project', showProject],
      ['Proxy', 'fact proxy', showProxy],
    ], 'None yet.'),
  };

  // One of the tables of the constructor.
  show(name, rows, searched) {
    this.#tables[name].show(rows, searched);
  }

  // [[name, text], ...]
  totals(pairs) {
    for (const [name, text] of pairs) {
      const total = part(byId('totals'), name.replaceAll(' ', '-'), 'div');
      partText(total, 'label', name, 'dt');
      partText(total, 'value', text, 'dd');
    }
  }

  // Whether there are other proxies, so that it matters which one has an upload.
  several(are) {
    document.body.classList.toggle('several', are);
  }

  problems(sentences) {
    const list = byId('problems');
    while (list.children.length > sentences.length) {
      list.lastElementChild.remove();
    }
    sentences.forEach((sentence, i) => {
      const line = list.children[i] ?? list.appendChild(document.createElement('p'));
      setClass(line, 'banner bad');
      setText(line, clean(sentence));
    });
  }

  version(text) {
    setText(byId('version'), text);
  }

  // From the first answer on, the live state is in place of the still one.
  begin() {
    byId('still')?.remove();
    byId('live').hidden = false;
    byId('controls').hidden = false;
  }

  // `failure` null: the last question was answered.
  connection(word, failure) {
    setText(byId('connection'), failure ? '' : word);
    byId('unreachable').hidden = !failure;
    setText(byId('unreachable'), failure ?? '');
    document.body.classList.toggle('stale', Boolean(failure));
  }
}
