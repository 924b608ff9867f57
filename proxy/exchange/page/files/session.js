// SPDX-License-Identifier: Apache-2.0
// Who is logged in. The token is in the memory of this page, and nowhere else.
import { ask } from './proxy.js';

function basic(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

// What the form has, as header fields of a login.
const CREDENTIALS = {
  password: ({ user, domain, password }) => basic(`${user}@${domain || 'Default'}`, password),
  application: ({ id, secret }) => basic(id.trim(), secret),
  token: ({ token }) => ({ 'X-Auth-Token': token.trim() }),
};

export class Session {
  #token = null;
  #waiting = []; // those that go on after a login
  project = '';
  changed = () => {};

  async logIn(kind, fields) {
    const query = kind === 'password' && fields.project ? `?project=${encodeURIComponent(fields.project)}` : '';
    const { headers, told } = await ask('POST', `/upload/page/token${query}`, CREDENTIALS[kind](fields));
    this.#token = headers.get('X-Subject-Token');
    this.project = told.token.project.name || told.token.project.id;
    this.changed();
    for (const go of this.#waiting.splice(0)) {
      go();
    }
  }

  logOut() {
    this.#token = null;
    this.changed();
  }

  get open() {
    return this.#token !== null;
  }

  // A field for a request. It waits for a login if there was none.
  async field() {
    while (!this.open) {
      await new Promise((go) => this.#waiting.push(go));
    }
    return { 'X-Auth-Token': this.#token };
  }

  // Glance does not accept the token of this field any more.
  expired(field) {
    if (field['X-Auth-Token'] === this.#token) {
      this.logOut();
    }
  }
}
