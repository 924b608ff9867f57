// SPDX-License-Identifier: Apache-2.0
// The upload page: a login, and files that are uploaded one after the other.
import { ask, Refused } from './proxy.js';
import { Row } from './row.js';
import { Session } from './session.js';
import { bytesText, clean } from './texts.js';
import { all, forget } from './unfinished.js';
import { Upload } from './upload.js';

const session = new Session();
const queue = []; // uploads that have not begun
let running = false;

function byId(id) {
  return document.getElementById(id);
}

// --- the login ---------------------------------------------------------------------------

const forms = [...document.forms]; // one for each kind of login

function kind() {
  return document.querySelector('[name=kind]:checked').value;
}

function showKind() {
  for (const form of forms) {
    form.hidden = form.dataset.kind !== kind();
  }
}

function showSession() {
  byId('login').hidden = session.open;
  byId('logout').hidden = !session.open;
  byId('who').textContent = session.open ? `Logged in to the project ${clean(session.project)}` : '';
  byId('choose').hidden = !session.open && !byId('uploads').children.length;
  showUnfinished();
}

function tellFault(error) {
  const fault = byId('login-fault');
  fault.textContent = error ? clean(error.message) : '';
  fault.hidden = !error;
  if (error?.reason === 'project_required') {
    document.querySelector('[name=project]').focus();
  }
}

async function logIn(form) {
  const button = form.querySelector('button');
  button.disabled = true;
  tellFault(null);
  try {
    await session.logIn(form.dataset.kind, Object.fromEntries(new FormData(form)));
    for (const secret of form.querySelectorAll('[type=password]')) {
      secret.value = '';
    }
    byId('files').focus();
  } catch (error) {
    tellFault(error instanceof Refused ? error : new Error('The proxy does not answer. Try again in a moment.'));
  }
  button.disabled = false;
}

for (const form of forms) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    logIn(form);
  });
}
byId('kinds').addEventListener('change', showKind);
byId('logout').addEventListener('click', () => session.logOut());
session.changed = showSession;

// A proxy in front of this one may speak TLS, so the browser knows best.
if (location.protocol !== 'https:') {
  byId('insecure').hidden = false;
  for (const radio of document.querySelectorAll('[name=kind]')) {
    radio.disabled = radio.value !== 'token';
    radio.checked = radio.value === 'token';
  }
}

// --- uploads -----------------------------------------------------------------------------------

async function runQueue() {
  if (running) {
    return;
  }
  running = true;
  while (queue.length) {
    await queue.shift().run();
    showUnfinished();
  }
  running = false;
}

function start(upload) {
  queue.push(upload);
  runQueue();
}

function add(file) {
  const row = new Row(file, {
    cancel() {
      const place = queue.indexOf(upload);
      if (place >= 0) {
        queue.splice(place, 1);
        row.show('cancelled', { left: null });
      } else {
        upload.cancel();
      }
    },
    again(diskFormat) {
      upload.diskFormat = diskFormat;
      start(upload);
    },
  });
  const upload = new Upload(file, session, (state, facts) => row.show(state, facts));
  byId('uploads').append(row.element);
  start(upload);
}

function addAll(files) {
  for (const file of files) {
    add(file);
  }
  showUnfinished();
}

// --- unfinished uploads of this browser ------------------------------------------------------

async function discard(entry) {
  try {
    await ask('DELETE', `/v2/images/${entry.id}`, await session.field());
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 401) {
      return; // it stays in the list
    }
  }
  forget(entry.id);
  showUnfinished();
}

function unfinishedItem(entry) {
  const item = document.createElement('li');
  const button = document.createElement('button');
  item.textContent = `${clean(entry.name)}, ${bytesText(entry.size)}`;
  button.type = 'button';
  button.textContent = 'Discard';
  button.setAttribute('aria-label', `Discard the upload of ${clean(entry.name)}`);
  button.addEventListener('click', () => discard(entry));
  item.append(button);
  return item;
}

// Those that are under way in this page are not among them.
function showUnfinished() {
  const entries = running || queue.length ? [] : all();
  byId('unfinished').hidden = !entries.length;
  byId('unfinished').querySelector('ul').replaceChildren(...entries.map(unfinishedItem));
}

// --- files -----------------------------------------------------------------------------------------

const drop = byId('drop');
const picker = byId('files');

picker.addEventListener('change', () => {
  addAll(picker.files);
  picker.value = ''; // the same file can be chosen again
});

// Wherever a file is dropped, the browser must not leave this page for it.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) {
    drop.classList.remove('over');
  }
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  if (session.open) {
    addAll(event.dataTransfer.files);
  }
});

showKind();
showSession();
