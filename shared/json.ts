// What does this text from outside say? JSON or nothing; and what is wrong with a value that a schema refused.

/** Undefined when the text is not one JSON value. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The same for signed material, where two readers must never see two things: undefined too when an object names a member
 * twice (T018: the last would win here, the first elsewhere), names `__proto__`, or nests deeper than 32 (T019).
 */
export function parseStrictJson(text: string): unknown {
  // Before the parser: depth is bounded for whatever walks the value afterwards.
  const names = countNames(text);
  if (names === undefined) return undefined;
  const value = parseJson(text);
  // The parser keeps one of two members of the same name, so that the value holds fewer than the text.
  return value !== undefined && countMembers(value) === names ? value : undefined;
}

/** Colons outside strings: in JSON, one for each member of an object. Undefined when the text nests too deep. */
function countNames(text: string): number | undefined {
  let names = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) names += 1;
    else if (code === BRACE || code === BRACKET) depth += 1;
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) depth -= 1;
    if (depth > DEEPEST) return undefined;
  }
  return names;
}

/** Where the string that begins here ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // An even number of backslashes escapes itself, and not the quote.
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/** Members of all objects in the value; NaN, which equals nothing, when one would be taken for a prototype. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : members.length;
  if (Object.hasOwn(value, '__proto__')) return Number.NaN;
  for (const member of members) count += countMembers(member);
  return count;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const CLOSING_BRACE = 0x7d;
const CLOSING_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const DEEPEST = 32;

export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The first thing a schema found wrong, with its place; names members, never values. */
export function firstProblem(issues: readonly SchemaIssue[]): string {
  const [issue] = issues;
  if (issue === undefined) return 'not as documented';
  return issue.path.length === 0 ? issue.message : `"${issue.path.map(String).join('.')}": ${issue.message}`;
}
