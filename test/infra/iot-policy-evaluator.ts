// Would AWS IoT Core allow this? Its policies, evaluated offline by the rules of its developer guide ("AWS IoT Core policies",
// "policy variables", "thing policy variables"). What it does not know it refuses to judge: it throws, it never allows.

/** One MQTT session, as the broker knows it. */
export interface Connection {
  readonly clientId: string;
  readonly certificateId: string;
  /**
   * Of a certificate in exclusive attachment its thing, whatever the client id is; else the thing named like the client
   * id, attached or not. Absent over HTTP, where thing variables have no value, and where there is no such thing.
   */
  readonly thing?: Thing;
}

export interface Thing {
  readonly name: string;
  readonly isAttached: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

export type Decision = 'allowed' | 'denied';
/** Action such as `iot:Publish`, resource as an ARN. */
export type Decide = (action: string, resource: string) => Decision;

/** Reads the whole document before it answers anything. */
export function readPolicy(document: unknown, connection: Connection): Decide {
  const { Version, Statement, ...more } = document as Record<string, unknown>;
  if (Version !== '2012-10-17') throw new TypeError('expected version 2012-10-17: others know no variables');
  if (!Array.isArray(Statement)) throw new TypeError('expected a list of statements');
  rejectMore('policy', more);
  const rules = (Statement as readonly unknown[]).map((statement) => readStatement(statement, connection));
  return (action, resource) => {
    const met = rules.filter(({ matches }) => matches(action, resource));
    // A Deny wins over every Allow; what nothing names is denied.
    if (met.some(({ effect }) => effect === 'Deny')) return 'denied';
    return met.length > 0 ? 'allowed' : 'denied';
  };
}

interface Rule {
  readonly effect: 'Allow' | 'Deny';
  readonly matches: (action: string, resource: string) => boolean;
}

function readStatement(statement: unknown, connection: Connection): Rule {
  const { Effect, Action, Resource, Condition = {}, ...more } = statement as Record<string, unknown>;
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new TypeError(`unknown effect "${String(Effect)}"`);
  rejectMore('statement', more);
  const actions = texts('Action', Action).map((action) => wholly(readText(action)));
  const variables = variablesOf(connection);
  const resources = texts('Resource', Resource).map((resource) => readPattern(resource, variables));
  const holds = readConditions(Condition, variables);
  return {
    effect: Effect,
    matches: (action, resource) =>
      holds && actions.some((one) => one.test(action)) && resources.some((one) => one?.test(resource)),
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

function variablesOf({ clientId, certificateId, thing }: Connection): Variables {
  const attributes = Object.entries(thing?.attributes ?? {}).map(([name, value]) => [
    `iot:Connection.Thing.Attributes[${name}]`,
    value,
  ]);
  return {
    ...(Object.fromEntries(attributes) as Variables),
    'iot:ClientId': clientId,
    'iot:CertificateId': certificateId,
    'iot:Connection.Thing.ThingName': thing?.name,
    'iot:Connection.Thing.IsAttached': thing === undefined ? undefined : String(thing.isAttached),
  };
}

/**
 * `*` is any text, `/` included, and `?` one character; the wildcards of MQTT, `+` and `#`, are only themselves. Undefined
 * when a variable has no value that may be put in: then the pattern matches nothing.
 */
function readPattern(pattern: string, variables: Variables): RegExp | undefined {
  // One pass over the policy's own text: what is put in is never read for variables or wildcards again.
  const parts = pattern.split(/\$\{([^}]*)\}/);
  const read = parts.map((part, index) => (index % 2 === 0 ? readText(part) : readVariable(part, variables)));
  return read.includes(undefined) ? undefined : wholly(read.join(''));
}

function readText(text: string): string {
  if (text.includes('$')) throw new TypeError(`what does "$" mean in "${text}"?`);
  return escape(text)
    .replaceAll(String.raw`\*`, '.*')
    .replaceAll(String.raw`\?`, '.');
}

function readVariable(name: string, variables: Variables): string | undefined {
  if (!KNOWN_VARIABLE.test(name)) throw new TypeError(`unknown policy variable "${name}"`);
  const value = variables[name];
  // A value that could be read as a wildcard, as a variable or as a topic filter is not put in.
  return value === undefined || /[*$+?#]/.test(value) || value.length > LONGEST_VALUE ? undefined : escape(value);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function wholly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`, 'su');
}

/** Every operator and every key must hold; of the values listed for a key, one. A key without a value holds for none. */
function readConditions(conditions: unknown, variables: Variables): boolean {
  const held = Object.entries(conditions as object).flatMap(([operator, keys]) => {
    if (operator !== 'Bool' && operator !== 'StringEquals') throw new TypeError(`unknown operator "${operator}"`);
    return Object.entries(keys as object).map(([key, expected]) => {
      if (!KNOWN_VARIABLE.test(key)) throw new TypeError(`unknown condition key "${key}"`);
      const values = texts(key, expected);
      if (values.some((value) => value.includes('$'))) throw new TypeError(`a variable in the condition on "${key}"`);
      return values.some((value) => value === variables[key]);
    });
  });
  return !held.includes(false);
}

function texts(name: string, value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((text) => {
    if (typeof text === 'string' && text !== '') return text;
    throw new TypeError(`${name}: expected text, got ${JSON.stringify(text)}`);
  });
}

/** `NotAction`, `NotResource` and whatever else would turn the meaning round. */
function rejectMore(where: string, more: object): void {
  const [name] = Object.keys(more);
  if (name !== undefined && name !== 'Sid') throw new TypeError(`unknown member "${name}" of a ${where}`);
}

const LONGEST_VALUE = 1024;
const KNOWN_VARIABLE =
  /^iot:(ClientId|CertificateId|Connection\.Thing\.(ThingName|IsAttached|Attributes\[[\w.,@/:#-]+\]))$/;
