// SPDX-License-Identifier: Apache-2.0
// Texts and numbers as the pages show them.

// Characters that are not shown, or change how others are shown. An image's name may have any.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function clean(text) {
  return String(text ?? '').replace(UNPRINTABLE, '\ufffd');
}

export function bytesText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

export function durationText(seconds) {
  const whole = Math.round(seconds);
  if (whole >= 86400) {
    return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
  }
  if (whole >= 3600) {
    return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  }
  if (whole >= 60) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${whole} s`;
}
