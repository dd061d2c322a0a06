// Numbers, times and sizes as text. `null` and `undefined` are a dash: nothing was measured.

const DASH = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const count = (value) => (isNumber(value) ? whole.format(value) : DASH);
/** 12.3K instead of 12,345. */
export const compact = (value) =>
  isNumber(value) ? (value < 10_000 ? whole.format(value) : short.format(value)) : DASH;
/** At an axis of counts nothing is written between them. */
export const wholeNumber = (value) => (Number.isInteger(value) ? compact(value) : "");
export const percent = (share) => {
  if (!isNumber(share)) return DASH;
  const value = share * 100;
  return `${value === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)}\u00a0%`;
};

export function millis(value) {
  if (!isNumber(value)) return DASH;
  if (value >= 10_000) return `${(value / 1000).toFixed(0)}\u00a0s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)}\u00a0s`;
  return value >= 10 || value === 0 ? `${value.toFixed(0)}\u00a0ms` : `${value.toFixed(1)}\u00a0ms`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];
export function bytes(value) {
  if (!isNumber(value)) return DASH;
  const power = value < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  const amount = value / 1024 ** power;
  return `${power === 0 || amount >= 100 ? amount.toFixed(0) : amount.toFixed(1)}\u00a0${UNITS[power]}`;
}

const SPANS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

/** A span of seconds with its two largest units: `1 h 59 min`. */
export function duration(seconds) {
  if (!isNumber(seconds)) return DASH;
  let rest = Math.round(seconds);
  if (rest < 60) return `${rest}\u00a0s`;
  const parts = [];
  for (const [size, unit] of [...SPANS, [1, "s"]]) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount}\u00a0${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** A span of seconds in its largest unit, for a figure: `1.5 h`. */
export function span(seconds) {
  if (!isNumber(seconds)) return DASH;
  const [size, unit] = SPANS.find(([least]) => seconds >= least * 1.5) ?? [1, "s"];
  const amount = seconds / size;
  return `${amount < 10 ? amount.toFixed(1) : whole.format(amount)}\u00a0${unit}`;
}

export function ago(at, now = Date.now()) {
  if (!isNumber(at)) return DASH;
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  const [size, unit] = SPANS.find(([span]) => seconds >= span) ?? [1, "s"];
  return seconds < 5 ? "just now" : `${Math.floor(seconds / size)}\u00a0${unit} ago`;
}

const two = (number) => String(number).padStart(2, "0");
export const clock = (at) => {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
};
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const day = (at) => {
  const date = new Date(at);
  return `${date.getDate()} ${MONTHS[date.getMonth()]}`;
};
/** A date and a time to the second, for what was recorded. */
export const moment = (at) =>
  isNumber(at) ? `${day(at)} ${clock(at)}:${two(new Date(at).getSeconds())}` : DASH;
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
