// SPDX-License-Identifier: Apache-2.0
// An upload by tus-js-client, which goes on by itself after each break.
//
// usage: node tus.mjs DIRECTORY URL FILE TOKEN
// DIRECTORY has node_modules. Prints an error and exits with 1 if it gives up.
import { createReadStream, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [directory, endpoint, file, token] = process.argv.slice(2);
const tus = createRequire(join(directory, 'x.js'))('tus-js-client');

new tus.Upload(createReadStream(file), {
  endpoint,
  headers: { 'X-Auth-Token': token },
  uploadSize: statSync(file).size,
  retryDelays: Array(30).fill(1000), // it begins again after each success
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
}).start();
