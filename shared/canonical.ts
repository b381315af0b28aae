// Which bytes stand for a value? RFC 8785 (JCS), for the values entries hold: no fractions, no undefined, no cycles.
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** UTF-8 bytes; member names in order of their UTF-16 code units; throws TypeError on what JSON cannot say exactly. */
export function canonicalBytes(value: Json): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

export function canonicalText(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return integerText(value);
  if (typeof value === 'string') return stringText(value);
  if (isList(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (!isPlainObject(value)) throw new TypeError(`canonical form: expected a JSON value, got ${typeof value}`);
  const members = Object.keys(value)
    .sort(byCodeUnit)
    .map((name) => `${stringText(name)}:${canonicalText(value[name] as Json)}`);
  return `{${members.join(',')}}`;
}

function integerText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
  throw new TypeError(`canonical form: expected an integer, got ${value}`);
}

// RFC 8785 3.2.2.2 refuses lone surrogates: two different strings would otherwise have the same bytes.
function stringText(value: string): string {
  if (value.isWellFormed()) return JSON.stringify(value);
  throw new TypeError('canonical form: expected well-formed Unicode');
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

// A date, a map or bytes would otherwise be written as if they were the object of their members.
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
