// What might a device try at the broker? Every action, on resources of its own, of a thousand other devices and of the broker
// itself; near misses first, then drawn ones that are the same in every run.
import fc from 'fast-check';

export const OWN = 'acme-P1001';
export const OTHERS = 1000;
const SEED = 20261124;

/** What AWS IoT Core lets a policy name, as far as a device could ask for it; without `iot:`. */
export const ACTIONS = `
  Connect Publish Receive Subscribe RetainPublish GetRetainedMessage ListRetainedMessages
  GetThingShadow UpdateThingShadow DeleteThingShadow ListNamedShadowsForThing
  DescribeJobExecution GetPendingJobExecutions StartNextPendingJobExecution UpdateJobExecution
  CreateCertificateFromCsr CreateKeysAndCertificate RegisterThing AssumeRoleWithCertificate
  DeleteConnection SendDirectMessage AttachPolicy UpdateCertificate CreateThing
`
  .trim()
  .split(/\s+/);

/** What begins, ends or reads like the own id. */
const NEIGHBOURS = [
  `${OWN}0`,
  OWN.slice(0, -1),
  OWN.toUpperCase(),
  OWN.toLowerCase(),
  `x${OWN}`,
  `${OWN}/`,
  `${OWN}/..`,
  `../${OWN}`,
  `${OWN}*`,
];

/** What has power in a policy, a topic filter or a careless evaluation. */
const POWERFUL = ['', '*', '#', '+', '?', '$', '${iot:ClientId}', '${iot:Connection.Thing.ThingName}', 'undefined'];

export const OTHER_IDS = [...NEIGHBOURS, ...POWERFUL, ...drawnIds()];

const KNOWN_TAILS = `
  certificate/request certificate/confirm certificate/accepted certificate/rejected certificate/renew
  data-key/request data-key/accepted data-key/rejected telemetry/vitals
`
  .trim()
  .split(/\s+/);

const OTHER_TAILS = [
  '',
  '#',
  '+',
  '+/+',
  '*',
  'commands',
  'telemetry',
  'telemetry/',
  'telemetry/#',
  'telemetry/+',
].concat([
  'certificate',
  'certificate/',
  'certificate/#',
  'certificate/+',
  'certificate/*',
  'data-key/#',
  '+/accepted',
]);

const FILTERS = [
  '#',
  '+',
  '+/+',
  '+/+/#',
  'wardkey/#',
  'wardkey/*',
  'wardkey/+',
  'wardkey/+/#',
  'wardkey/+/certificate/accepted',
  'wardkey/+/telemetry/vitals',
  'wardkey/+/telemetry/#',
  `+/${OWN}/certificate/accepted`,
  `wardkey/${OWN}/../acme-P1002/certificate/accepted`,
  `$share/group/wardkey/${OWN}/certificate/accepted`,
  '$share/group/#',
];

const RESERVED = [
  '$aws/#',
  '$aws/+/#',
  '$aws/events/#',
  '$aws/events/certificates/registered/ca',
  `$aws/events/presence/connected/${OWN}`,
  `$aws/things/${OWN}/shadow/get`,
  `$aws/things/${OWN}/shadow/update`,
  `$aws/things/${OWN}/shadow/update/accepted`,
  `$aws/things/${OWN}/shadow/name/a/update`,
  `$aws/things/${OWN}/jobs/get`,
  '$aws/rules/ward_7_first_connects',
  `$aws/rules/ward_7_first_connects/wardkey/${OWN}/telemetry/vitals`,
  '$aws/certificates/create/json',
  '$aws/certificates/create-from-csr/json',
  '$aws/provisioning-templates/a/provision/json',
];

/** Without the ARN in front. */
export const RESOURCES = [
  '',
  '*',
  ...topics().flatMap((topic) => [`topic/${topic}`, `topicfilter/${topic}`]),
  ...[OWN, ...OTHER_IDS].flatMap((id) => [`client/${id}`, `thing/${id}`]),
  `thing/${OWN}/classic`,
  'rolealias/operator',
  `cert/${'c'.repeat(64)}`,
  'policy/ward-7-operation',
];

function drawnIds(): readonly string[] {
  const id = fc.stringMatching(/^(acme|pumpco|chip)-[A-Za-z0-9_-]{1,20}$/).filter((drawn) => drawn !== OWN);
  return fc.sample(id, { numRuns: OTHERS, seed: SEED });
}

function topics(): readonly string[] {
  const ofOthers = OTHER_IDS.map((id, index) => `wardkey/${id}/${KNOWN_TAILS[index % KNOWN_TAILS.length] ?? ''}`);
  const around = [OWN, ...OTHER_IDS.slice(0, 20)].flatMap(topicsAround);
  return [...ofOthers, ...around, ...FILTERS, ...RESERVED];
}

/** Every topic that a device might be given, whoever may do what with it, and the near misses of each. */
function topicsAround(id: string): readonly string[] {
  return [...KNOWN_TAILS, ...OTHER_TAILS].flatMap((tail) => {
    const topic = `wardkey/${id}/${tail}`;
    const misses = [`${topic}/more`, `${topic}s`, `/${topic}`, `x/${topic}`, `W${topic.slice(1)}`, `${id}/${tail}`];
    return [topic, `wardkey//${id}/${tail}`, ...misses];
  });
}
