// SPDX-License-Identifier: Apache-2.0
// Which ends of a request pass by themselves.
import { Lost, Refused } from './proxy.js';

const REASONS = ['client_stalled', 'draining', 'glance_timeout', 'glance_unreachable', 'image_not_queued',
  'keystone_unreachable', 'offset_mismatch', 'out_of_memory', 'spool_full', 'too_many_connections', 'too_many_uploads',
  'upload_in_progress', 'upload_moving', 'upload_not_held'];

// A refusal without a reason is that of Glance, or of something before the proxy.
export function passes(error) {
  if (error instanceof Refused) {
    return REASONS.includes(error.reason) || (!error.reason && error.status >= 500);
  }
  return error instanceof Lost;
}

// For catch(): null instead of a refusal with one of these statuses.
export function unless(...statuses) {
  return (error) => {
    if (error instanceof Refused && statuses.includes(error.status)) {
      return null;
    }
    throw error;
  };
}
