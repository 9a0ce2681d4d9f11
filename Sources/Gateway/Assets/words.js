// Numbers and times in words.

const whole = new Intl.NumberFormat('en');
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const atMostTenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const missing = value => value === null || value === undefined;

export const count = value => missing(value) ? '–' : whole.format(value);

// `1 job`, `2 jobs`.
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export function rate(value) {
  if (!value) return '0';
  if (value < 10) return value.toFixed(value < 1 ? 2 : 1);
  return whole.format(Math.round(value));
}

// A share from 0 to 1. Only what is all or nothing is said to be 100 or 0.
export function percent(share) {
  if (missing(share)) return '–';
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  if (value < 100 && value >= 99.95) return '> 99.9 %';
  return `${value === 0 || value === 100 ? value : value.toFixed(1)} %`;
}

// A share that somebody has set: all of it, and no more (100 times 0.29 is 28.999999999999996).
export const setShare = share => `${Number((share * 100).toPrecision(12))} %`;

// Core hours.
export function hours(value) {
  if (missing(value)) return '–';
  if (value > 0 && value < 0.05) return '< 0.1';
  return value < 1000 ? tenths.format(value) : whole.format(Math.round(value));
}

// A length of time.
export function lasting(seconds) {
  if (missing(seconds)) return '–';
  const value = Math.max(0, seconds);
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  if (value < 172800) return `${atMostTenths.format(value / 3600)} h`;
  return `${atMostTenths.format(value / 86400)} d`;
}

export function ago(time) {
  if (!time) return 'never';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

// `21 Nov 02:01`, in UTC as everything here.
export function moment(time) {
  if (!time) return '–';
  const date = new Date(time);
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
  return `${day} ${date.toISOString().slice(11, 16)}`;
}

// Bytes.
export function size(bytes) {
  if (missing(bytes)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes, unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${unit ? atMostTenths.format(value) : count(value)} ${units[unit]}`;
}

export const where = (site, node) => node ? `${site}, ${node}` : site;
