// SPDX-License-Identifier: Apache-2.0
// One file on its way: creates its image, and uploads it by tus 1.0 to the image's own URL. After a break it goes on.
// What is refused, or cancelled, leaves no image.
import { passes, unless } from './passing.js';
import { address, ask, Lost, Refused, send } from './proxy.js';
import { forget, find, keep } from './unfinished.js';

const OPENING = 64 * 1024; // bytes, in which the format is found
const PACKED_OPENING = 1024 * 1024; // bytes that become as many when they are decompressed
const PACKED = /\.(xz|gz|zst|bz2)$/i;
const TUS = { 'Tus-Resumable': '1.0.0' };
const FIRST_PAUSE = 500; // after a break, in milliseconds; doubled for each further one
const LAST_PAUSE = 10000;
const ENDS = 3; // of the upload at the server, without an answer that says why
const ANSWERS = 5; // with the same refusal, although it may pass, if no byte came between them

// `told` is called with a state and what belongs to it:
//   waits {}, finds {}, sends { sent }, breaks { error }, proves {}, done { image, answer }, refused { error, left },
//   cancelled { left }
// `left` is the id of an image that could not be deleted; null: none is left.
export class Upload {
  #session;
  #told;
  #cut = new AbortController(); // of the request that sends
  #cancelled = false;
  #id = null;
  #created = false; // the server may know the upload: it is asked how far that is
  #sent = false; // bytes, since it was created
  #ends = 0;
  #stored = false; // Glance has it: it is not deleted any more
  #offset = 0;
  #whole = false; // nothing can be resumed here: the file goes in one request
  #answer = null; // the fields of the answer to the last byte

  constructor(file, session, told) {
    this.file = file;
    this.diskFormat = null; // that the user has chosen; null: it is found
    this.#session = session;
    this.#told = told;
  }

  async run() {
    this.#cancelled = this.#created = this.#sent = this.#stored = this.#whole = false;
    this.#ends = 0;
    this.#id = this.#answer = null;
    this.#offset = 0;
    try {
      await this.#persist(() => this.#begin());
      while (!this.#stored) {
        await this.#persist(() => this.#round());
      }
      const image = await this.#persist(() => this.#show());
      forget(this.#id);
      this.#told('done', { image, answer: this.#answer });
    } catch (error) {
      await this.#fail(error);
    }
  }

  cancel() {
    this.#cancelled = true;
    this.#cut.abort();
  }

  // --- its requests ----------------------------------------------------------------------

  async #ask(method, path, headers = {}, body = undefined) {
    const field = await this.#field();
    return this.#judged(field, ask(method, path, { ...headers, ...field }, body));
  }

  async #send(method, headers, data) {
    const field = await this.#field();
    const from = this.#offset;
    this.#cut = new AbortController();
    return this.#judged(field, send(method, `${this.#path}/file`, { ...headers, ...field }, data, {
      signal: this.#cut.signal,
      progress: (count) => this.#told(from + count < this.file.size ? 'sends' : 'proves', { sent: from + count }),
    }));
  }

  // The token. A cancellation ends the wait for a login.
  async #field() {
    if (this.#session.open) {
      return this.#session.field();
    }
    this.#told('waits', {});
    this.#cut = new AbortController();
    const cut = new Promise((_, reject) => {
      this.#cut.signal.addEventListener('abort', () => reject(new Lost('cancelled')));
    });
    return Promise.race([this.#session.field(), cut]);
  }

  async #judged(field, request) {
    try {
      return await request;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        this.#session.expired(field);
      }
      throw error;
    }
  }

  get #path() {
    return `/v2/images/${this.#id}`;
  }

  // Does it again until it succeeds, is refused for good, or is cancelled.
  async #persist(step) {
    let failures = 0;
    for (;;) {
      const before = this.#offset;
      try {
        this.#heed();
        return await step();
      } catch (error) {
        this.#heed();
        if (error instanceof Refused && error.status === 401) {
          continue; // it waits for a login
        }
        failures = this.#offset > before ? 1 : failures + 1;
        if (!passes(error) || (error instanceof Refused && failures > ANSWERS)) {
          throw error;
        }
        this.#told('breaks', { error });
        await this.#pause(Math.min(FIRST_PAUSE * 2 ** (failures - 1), LAST_PAUSE));
        await this.file.slice(0, 1).arrayBuffer(); // it may have changed meanwhile
      }
    }
  }

  #heed() {
    if (this.#cancelled) {
      throw new Lost('cancelled');
    }
  }

  // A cancellation ends it early, and so does the network when it comes back.
  #pause(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      const now = () => {
        clearTimeout(timer);
        done();
      };
      this.#cut = new AbortController();
      this.#cut.signal.addEventListener('abort', now);
      addEventListener('online', now, { once: true });
    });
  }

  // --- the image ---------------------------------------------------------------------------

  async #begin() {
    this.#told('finds', {});
    this.#id ??= find(this.file);
    if (this.#id && await this.#isUsable()) {
      return;
    }
    const image = await this.#describe();
    this.#id = image.id;
    keep(this.file, image.id); // before it exists, so that it is not lost with this page
    await this.#ask('POST', '/v2/images', { 'Content-Type': 'application/json' }, JSON.stringify(image))
      .catch(unless(409)); // the answer to an earlier request was lost
  }

  // The image of an upload that was begun before. It may be gone, or finished.
  async #isUsable() {
    const shown = await this.#ask('GET', this.#path).catch(unless(404));
    const status = shown?.told.status;
    if (['queued', 'saving', 'active'].includes(status)) {
      this.#created = true; // #round() asks how far it is
      return true;
    }
    forget(this.#id);
    this.#id = null;
    return false;
  }

  // The image as the proxy finds it in the file, with a new id.
  async #describe() {
    const name = encodeURIComponent(this.file.name);
    const query = this.diskFormat ? `?disk_format=${encodeURIComponent(this.diskFormat)}` : '';
    const { told } = await this.#ask('POST', `/upload/page/image/${name}${query}`, {
      'Content-Type': 'application/offset+octet-stream', 'Upload-Length': String(this.file.size),
    }, await this.file.slice(0, PACKED.test(this.file.name) ? PACKED_OPENING : OPENING).arrayBuffer());
    return told;
  }

  async #show() {
    return (await this.#ask('GET', this.#path)).told;
  }

  // --- its data ------------------------------------------------------------------------------

  async #round() {
    if (this.#created) {
      await this.#goOn();
    } else if (this.#whole) {
      await this.#sendAll();
    } else {
      await this.#create();
    }
  }

  async #create() {
    const headers = { ...TUS, 'Upload-Length': String(this.file.size) };
    this.#created = true; // also if the answer is lost
    if (await this.#ask('POST', `${this.#path}/file`, headers).catch(unless(405))) {
      await this.#sendFrom(0);
    } else {
      this.#created = false;
      this.#whole = true;
    }
  }

  async #goOn() {
    const held = await this.#ask('HEAD', `${this.#path}/file`, TUS).catch(unless(404, 405, 409));
    const offset = Number(held?.headers.get('Upload-Offset'));
    if (held && offset < this.file.size) {
      await this.#sendFrom(offset);
    } else {
      await this.#look();
    }
  }

  // Nothing is held, or all has come: the image tells what that means.
  async #look() {
    const image = await this.#show();
    if (image.status === 'active') {
      this.#stored = true;
    } else if (image.status === 'queued') {
      this.#beginAgain();
    } else if (image.status === 'saving') {
      this.#told('proves', {});
      await this.#pause(FIRST_PAUSE);
    } else {
      throw new Refused(409, { message: `The image is ${image.status}: somebody else has ended its upload.` });
    }
  }

  #beginAgain() {
    this.#ends += this.#sent ? 1 : 0;
    if (this.#ends > ENDS) {
      throw new Refused(0, { message: 'The server has ended this upload several times. The operator finds the reason '
        + `in the log of the proxy, by the image's id ${this.#id}.` });
    }
    this.#created = this.#sent = false;
  }

  async #sendFrom(offset) {
    this.#offset = offset;
    this.#sent = true;
    this.#told('sends', { sent: offset });
    this.#take(await this.#send('PATCH', {
      ...TUS, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream',
    }, this.file.slice(offset)));
  }

  async #sendAll() {
    this.#offset = 0;
    this.#created = this.#sent = true;
    this.#told('sends', { sent: 0 });
    this.#take(await this.#send('PUT', { 'Content-Type': 'application/octet-stream' }, this.file));
  }

  #take(answer) {
    this.#answer = answer;
    this.#stored = true;
  }

  // --- the end without an image ------------------------------------------------------------

  async #fail(error) {
    const left = this.#stored ? null : await this.#remove();
    if (this.#cancelled) {
      this.#told('cancelled', { left });
    } else {
      this.#told('refused', { error: this.#withoutImage(error), left });
    }
  }

  // A hint may be a command for the image, which is gone. The same file can go to /upload/.
  #withoutImage(error) {
    const hint = error.hint?.replaceAll(address(`${this.#path}/file`), address('/upload/')) ?? '';
    error.hint = this.#id && hint.includes(this.#id) ? '' : hint;
    return error;
  }

  // The id of an image that could not be deleted.
  async #remove() {
    const id = this.#id;
    if (!id || !this.#session.open) {
      return id;
    }
    for (let pause = FIRST_PAUSE; pause <= LAST_PAUSE; pause *= 2) {
      try {
        await this.#ask('DELETE', this.#path).catch(unless(404));
        forget(id);
        return null;
      } catch (error) {
        if (!passes(error) && error.status !== 409) {
          break;
        }
      }
      await new Promise((done) => setTimeout(done, pause));
    }
    return id;
  }
}
