// SPDX-License-Identifier: Apache-2.0
// One file as the page shows it. All texts are only texts: nothing is read as HTML.
import { Lost } from './proxy.js';
import { bytesText, clean, durationText } from './texts.js';

const FORMATS = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ploop', 'aki', 'ari', 'ami'];
const WINDOW = 5000; // of the rate, in milliseconds

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Bytes per second over the last seconds. null: not known yet.
class Rate {
  #samples = [];

  add(sent) {
    const now = performance.now();
    const last = this.#samples.at(-1);
    if (last && sent < last.sent) {
      this.#samples = [];
    }
    this.#samples = [...this.#samples.filter(({ at }) => now - at < WINDOW), { at: now, sent }];
  }

  get value() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    return last && last.at - first.at > WINDOW / 20 ? (last.sent - first.sent) / (last.at - first.at) * 1000 : null;
  }
}

// `actions`: cancel(), again(diskFormat)
export class Row {
  #file;
  #actions;
  #rate = new Rate();
  #state = element('p', { className: 'state', role: 'status' });
  #figures = element('p', { className: 'figures' });
  #bar;
  #buttons = element('div', { className: 'buttons' });
  #result = element('div');

  constructor(file, actions) {
    this.#file = file;
    this.#actions = actions;
    const name = clean(file.name);
    this.#bar = element('progress', { className: 'bar', max: file.size || 1, value: 0 });
    this.#bar.setAttribute('aria-label', `How much of ${name} is uploaded`);
    this.element = element('li', {}, element('h3', {}, name), this.#bar, this.#figures, this.#state, this.#result,
      this.#buttons);
    this.#button('Cancel', () => this.#actions.cancel());
    this.#say('Waits for the files before it.');
  }

  show(state, facts) {
    this.element.dataset.state = state;
    this[`_${state}`](facts);
  }

  // --- on its way ------------------------------------------------------------------------

  _waits() {
    this.#say('Waits for your login.');
  }

  _finds() {
    this.#result.replaceChildren();
    this.#buttons.replaceChildren();
    this.#button('Cancel', () => this.#actions.cancel());
    this.#bar.hidden = false;
    this.#say('Finds the format.');
  }

  _sends({ sent }) {
    this.#rate.add(sent);
    this.#count(sent);
    this.#say('Uploads.');
  }

  _breaks({ error }) {
    this.#rate = new Rate();
    this.#say(error instanceof Lost ? 'The connection broke. It goes on by itself.' : `${error.message} Tries again.`);
  }

  _proves() {
    this.#count(this.#file.size);
    this.#say('Waits until Glance has stored and checked it.');
  }

  // --- the end -------------------------------------------------------------------------------

  _done({ image, answer }) {
    this.#over('Done: the image is ready.');
    this.#bar.hidden = true;
    const rows = [
      ['ID', image.id], ['Name', clean(image.name)], ['Format', `${image.disk_format}, ${image.container_format}`],
      ['Size', bytesText(image.size)], ['Store', answer?.get('X-Intake-Store') ?? image.stores ?? ''],
      [image.os_hash_algo ?? 'Digest', image.os_hash_value ?? ''],
      ['Boot it', `openstack server create --image ${image.id} --flavor FLAVOR NAME`],
    ].filter(([, text]) => text);
    this.#result.replaceChildren(element('dl', { className: 'image' }, ...rows.flatMap(([title, text]) =>
      [element('dt', {}, title), element('dd', {}, element('code', {}, text))])));
  }

  _refused({ error, left }) {
    this.#over(error.name === 'NotReadableError' ? '' : 'Not uploaded.');
    this.#bar.hidden = true;
    const unreadable = error.name === 'NotReadableError' || error.name === 'NotFoundError';
    const message = unreadable ? 'The file cannot be read. Has it changed, or is it a folder?' : error.message;
    this.#result.replaceChildren(this.#banner(message, error.hint, left));
    if (error.reason === 'format_unknown' || error.reason === 'format_mismatch') {
      this.#offerFormats();
    } else {
      this.#button('Try again', () => this.#actions.again(null));
    }
  }

  _cancelled({ left }) {
    this.#over('Cancelled.');
    this.#bar.hidden = true;
    this.#result.replaceChildren(...left ? [this.#banner('Its image is still there.', '', left)] : []);
    this.#button('Try again', () => this.#actions.again(null));
  }

  // --- parts -----------------------------------------------------------------------------------

  #say(text) {
    if (this.#state.textContent !== text) { // or a screen reader would read it again
      this.#state.textContent = text;
    }
  }

  #over(text) {
    this.#say(text);
    this.#figures.textContent = '';
    this.#buttons.replaceChildren();
  }

  #count(sent) {
    const rate = this.#rate.value;
    const left = rate > 0 ? `, ${bytesText(rate)}/s, ${durationText((this.#file.size - sent) / rate)} left` : '';
    this.#bar.value = sent;
    this.#figures.textContent = `${bytesText(sent)} of ${bytesText(this.#file.size)}${left}`;
  }

  #banner(message, hint, left) {
    const banner = element('div', { className: 'banner bad', role: 'alert' }, element('p', {}, clean(message)));
    const commands = [hint, left && `openstack image delete ${left}`].filter(Boolean);
    banner.append(...commands.map((command) => element('code', {}, clean(command))));
    return banner;
  }

  #button(text, action) {
    const button = element('button', { type: 'button' }, text);
    button.setAttribute('aria-label', `${text}: ${clean(this.#file.name)}`);
    button.addEventListener('click', action);
    this.#buttons.append(button);
    return button;
  }

  #offerFormats() {
    const select = element('select', {}, ...FORMATS.map((format) => element('option', {}, format)));
    select.setAttribute('aria-label', `Format of ${clean(this.#file.name)}`);
    this.#buttons.append(select);
    this.#button('Upload in this format', () => this.#actions.again(select.value));
  }
}
