// What does the answer to a first connect mean, and what is to be done now? In words for whoever stands beside the device.
import type { Outcome } from '../shared/outcome.ts';
import { REASONS, type Refusal, type RefusalReason } from '../shared/reasons.ts';

/** Two plain statements. They hold no control over what the names in them hold: show them as `plain` text. */
export interface Explanation {
  readonly happened: string;
  readonly toDo: string;
}

/** What is known of a first connect besides its answer. */
export interface FirstConnect {
  /** `none`: the message was not a notice of a first connect here. */
  readonly event: 'registration' | 'presence' | 'none';
  readonly now: string;
  readonly connectedAt?: string;
  readonly certificateId?: string;
  /** Device and product of the whitelist row of this very certificate. */
  readonly device?: string;
  readonly product?: string;
  /** In quarantine, but may go on sending. */
  readonly restricted?: true;
  /** Whether the broker is asked to do something about it. */
  readonly asked: boolean;
  /** It was the last of many that were refused for good: the breaker of its authority opens. */
  readonly flood?: true;
}

export interface Verdict {
  readonly verdict: 'admitted' | 'repeated' | 'ignored' | 'reset';
}

/** Every reason that `register-device` can answer. */
export const FIRST_CONNECT_REASONS = [
  'notice-malformed',
  'account-differs',
  'not-listed',
  'factory-certificate-consumed',
  'retired',
  'another-key',
  'another-certificate',
  'certificate-absent',
  'certificate-unknown',
  'authority-unknown',
  'authority-differs',
  'certificate-not-yet-valid',
  'certificate-expired',
  'issuer-not-valid',
  'certificate-revoked',
  'crl-stale',
  'crl-unavailable',
  'not-owned',
  'listing-held',
  'quarantined',
  'denied',
] as const satisfies readonly RefusalReason[];

export type FirstConnectReason = (typeof FIRST_CONNECT_REASONS)[number];

export function explain(outcome: Outcome<Verdict>, connect: FirstConnect): Explanation {
  const [happened, toDo] =
    outcome.outcome === 'done' ? VERDICTS[outcome.value.verdict](connect) : explainRefusal(outcome.refusal, connect);
  if (connect.flood !== true) return { happened, toDo };
  return { happened: `${happened} ${FLOOD.happened}`, toDo: `${toDo} ${FLOOD.toDo}` };
}

/** The event in one sentence. */
export function describeConnect(connect: FirstConnect): string {
  const { event, now, connectedAt = now } = connect;
  if (event === 'none') return `${when(now)}: a message came in that is no notice of a first connect here.`;
  const certificate = `certificate ${shorten(connect.certificateId ?? '')}`;
  const verb = event === 'presence' ? 'connected with' : 'came to AWS IoT Core with';
  return connect.device === undefined
    ? `${when(connectedAt)}: a device ${verb} ${certificate}, which is not listed.`
    : `${when(connectedAt)}: device ${connect.device} (${connect.product ?? 'product unknown'}) ${verb} ${certificate}.`;
}

/** `2026-11-24 12:00 UTC` */
export function when(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

/** A hash is too long to be read by people; a name is left as it is, however it looks. */
export function shorten(value: string): string {
  return /^[0-9a-f]{17,}$/.test(value) ? `${value.slice(0, 12)}…` : value;
}

type Words = readonly [happened: string, toDo: string];
type Of<R extends RefusalReason> = Extract<Refusal, { readonly reason: R }>;

function explainRefusal(refusal: Refusal, connect: FirstConnect): Words {
  const explained = FIRST_CONNECT_REASONS.find((reason) => reason === refusal.reason);
  if (explained === undefined) return [`${REASONS[refusal.reason].sentence}.`, 'Ask your cloud team.'];
  // The reason names its own words: the compiler cannot follow a refusal through a table of them.
  const words = REFUSALS[explained] as (refusal: Refusal, connect: FirstConnect) => Words;
  return words(refusal, connect);
}

function nameOf({ device }: FirstConnect): string {
  return device === undefined ? 'this device' : `device ${device}`;
}

const VERDICTS = {
  admitted: explainAdmitted,
  repeated: explainRepeated,
  ignored: explainIgnored,
  reset: explainReset,
} as const satisfies Record<Verdict['verdict'], (connect: FirstConnect) => Words>;

const NOTHING = 'There is nothing to do.';

const FLOOD = {
  happened:
    'It was the last of so many within a minute that its authority looks stolen: no new certificate of it comes in for a while.',
  toDo: 'Tell your cloud team now: meanwhile no new device of this manufacturer can come in.',
};

function explainAdmitted(connect: FirstConnect): Words {
  return [
    `The certificate of ${nameOf(connect)} is the one that its manufacturer reported, and the device has an owner: it is admitted.`,
    connect.event === 'presence'
      ? NOTHING
      : 'There is nothing to do. The device can work as soon as AWS IoT Core has switched its certificate on, mostly within a minute.',
  ];
}

function explainRepeated(connect: FirstConnect): Words {
  const before = `${capital(nameOf(connect))} was admitted before`;
  const limits = connect.restricted === true ? ' It is in quarantine: it may go on sending, but it gets no keys.' : '';
  if (connect.asked) {
    return [
      `${before}, but AWS IoT Core had closed its certificate again and is asked to switch it on once more.${limits}`,
      'Wait a minute and let the device connect again. If this comes back, tell your cloud team.',
    ];
  }
  if (connect.event === 'presence') return [`${before}, and is connected as it should be.${limits}`, NOTHING];
  return [`${before}; this message tells of a connect that is settled already.${limits}`, NOTHING];
}

function explainIgnored(connect: FirstConnect): Words {
  const { event, device } = connect;
  if (event === 'registration') {
    return [
      'AWS IoT Core does not say of this certificate that it waits to be let in, so there was nothing to decide.',
      `There is nothing to do. If the device does not work, \`wardkey device show ${device ?? '<certificate>'}\` tells what was decided of it.`,
    ];
  }
  if (device !== undefined)
    return [
      `${capital(nameOf(connect))} was decided when its certificate first came in, and is not decided again at each connect.`,
      NOTHING,
    ];
  return [
    'The certificate is on no delivery list of a manufacturer, but AWS IoT Core knows it: somebody else let it in.',
    'There is nothing to do if you know this device. If nobody knows it, tell your cloud team.',
  ];
}

function explainReset(connect: FirstConnect): Words {
  return [
    `${capital(nameOf(connect))} came with the certificate of its factory again, and may begin anew: the certificates that it had since then have ended.`,
    'There is nothing to do. The device connects again by itself, and is admitted like a new one.',
  ];
}

/** Whatever the answer, therapy comes first. */
const RECONNECT = 'let the device connect again (switch it off and on when no patient depends on it)';
const WITHDRAW = 'as soon as no patient depends on it';

const REFUSALS = {
  'notice-malformed': ({ problem }) => [
    `A message that should announce a first connect could not be read (${problem}). Nothing was decided, and no device was changed.`,
    `If a device waits here, ${RECONNECT}. Tell your cloud team: somebody else may have sent this message.`,
  ],
  'account-differs': ({ expected, got }) => [
    `The message comes from AWS account ${got}, but this deployment belongs to account ${expected}. Nothing was decided, and no device was changed.`,
    `If a device waits here, check that it is set to the address of account ${expected}. Tell your cloud team who sends from account ${got}.`,
  ],
  'not-listed': (_refusal, connect) => explainUnlisted(connect),
  'another-key': ({ device }) => [
    `This certificate says that it belongs to device ${device}, but it was made with another key than the one its factory reported. Nothing was changed for the real ${device}; this certificate will not be let in again.`,
    `Take the device that showed it out of use ${WITHDRAW}, and call the manufacturer: somebody may pass it off as ${device}. The real ${device} may stay in use.`,
  ],
  'another-certificate': ({ device }) => [
    `Device ${device} holds the key that its factory reported, but showed another certificate than the listed one. It was not admitted, and nothing else was changed for it.`,
    `Ask the manufacturer whether it gave ${device} a second certificate, and have the listed one put back; then ${RECONNECT}.`,
  ],
  'certificate-absent': ({ device }) => [
    `Device ${device} is on the delivery list, but its manufacturer has not sent its certificate yet. It was not admitted.`,
    `Ask the manufacturer for the list that brings the certificate of ${device}, and have it imported; then ${RECONNECT}.`,
  ],
  'certificate-unknown': ({ certificateId }) => [
    `A message announced certificate ${shorten(certificateId)}, but AWS IoT Core does not know this certificate. Nothing was let in.`,
    `If a device waits here, ${RECONNECT}. If none does, tell your cloud team: somebody may have made up this message.`,
  ],
  'authority-unknown': ({ authority }, connect) => [
    `${capital(nameOf(connect))} came in under a signing authority (${shorten(authority)}) that is not trusted here, or no longer. It was not admitted.`,
    `Ask your cloud team whether this authority of the manufacturer should be trusted; when it is, ${RECONNECT}.`,
  ],
  'authority-differs': ({ expected, got }, connect) => [
    `${capital(nameOf(connect))} is listed under the signing authority ${shorten(expected)} of its manufacturer, but came in under ${shorten(got)}. It was not admitted.`,
    'Ask the manufacturer whether it has renewed its authority, and tell your cloud team the answer. The device may try again at any time.',
  ],
  'certificate-not-yet-valid': ({ notBefore, now }, connect) => [
    `The certificate of ${nameOf(connect)} is valid from ${when(notBefore)} on, and it is ${when(now)} only. It was not admitted.`,
    `Let the device connect again after ${when(notBefore)}. If it is later than that already, tell your cloud team: a clock is wrong.`,
  ],
  'certificate-expired': ({ notAfter, now }, connect) => [
    `The certificate of ${nameOf(connect)} was valid until ${when(notAfter)}, and it is ${when(now)}. It was not admitted.`,
    'Ask the manufacturer for a device with a valid certificate: this one cannot be let in with the certificate it has.',
  ],
  'issuer-not-valid': ({ issuer, notBefore, notAfter, now }, connect) => [
    `An authority above the certificate of ${nameOf(connect)} (serial number ${shorten(issuer)}) is valid from ${when(notBefore)} to ${when(notAfter)}, and it is ${when(now)}. The device was not admitted.`,
    'Call the manufacturer: the device needs a certificate from an authority that is valid today.',
  ],
  'certificate-revoked': ({ revokedAt }, connect) => [
    `The manufacturer withdrew the certificate of ${nameOf(connect)}, or an authority above it, on ${when(revokedAt)}. This certificate will not be let in again.`,
    `Take the device out of use ${WITHDRAW}, and call the manufacturer: it knows why.`,
  ],
  'crl-stale': ({ nextUpdate, now }, connect) => [
    `The manufacturer's list of withdrawn certificates was good until ${when(nextUpdate)}, and it is ${when(now)}: whether that of ${nameOf(connect)} was withdrawn since cannot be told. It was not admitted.`,
    `Ask your cloud team to take in the current list of the manufacturer; then ${RECONNECT}.`,
  ],
  'crl-unavailable': ({ issuer }, connect) => [
    `This manufacturer must give a list of withdrawn certificates (of its authority ${shorten(issuer)}), and there is none here. ${capital(nameOf(connect))} was not admitted.`,
    `Ask your cloud team to take in the current list of the manufacturer; then ${RECONNECT}.`,
  ],
  'not-owned': ({ device }) => [
    `Device ${device} is on the delivery list of its manufacturer, but nobody here has claimed it as theirs. It was not admitted.`,
    `Ask whoever manages your devices to claim ${device} (\`wardkey device claim\`); then ${RECONNECT}.`,
  ],
  'listing-held': ({ device }) => [
    `The manufacturer delivered more devices than were agreed, and ${device} is one of them. It was not admitted.`,
    `Ask whoever manages your devices to check the delivery and release ${device} (\`wardkey approval request\`, it takes two people) and to claim it; then ${RECONNECT}.`,
  ],
  'factory-certificate-consumed': ({ device, operationalAt }) => [
    `Device ${device} has worked with a certificate of yours since ${when(operationalAt)}, and somebody showed the certificate of its factory again. It was not admitted, and ${device} stays as it is.`,
    `If ${device} was reset or repaired, ask whoever manages your devices to open a reset window (\`wardkey device reset\`); then ${RECONNECT}. If it was not, call the manufacturer: somebody may hold a copy of its key.`,
  ],
  retired: ({ device, retiredAt }) => [
    `Device ${device} was taken out of use on ${when(retiredAt)}. It was not admitted, and its certificate will not be let in again.`,
    `Take the device out of use ${WITHDRAW}, and hand it to whoever manages your devices.`,
  ],
  quarantined: ({ device, level }) => [
    level === 'cut'
      ? `Device ${device} is in quarantine and may not connect. It was not admitted.`
      : `Device ${device} was put in quarantine before it was ever admitted, and was not admitted now.`,
    `Do not rely on its connection, and ask whoever put ${device} in quarantine: it comes in only after the quarantine was lifted.`,
  ],
  denied: ({ device, deniedAt }) => [
    `Device ${device} was shut out for good on ${when(deniedAt)}. It was not admitted, and its certificate will not be let in again.`,
    `Take the device out of use ${WITHDRAW}, and hand it to whoever manages your devices: if ${device} was lost or stolen, they look for it.`,
  ],
} as const satisfies { [R in FirstConnectReason]: (refusal: Of<R>, connect: FirstConnect) => Words };

function explainUnlisted({ device }: FirstConnect): Words {
  if (device !== undefined) {
    return [
      `The certificate is listed for device ${device}, but the device is kept here under another certificate. It was not admitted.`,
      `Tell your cloud team: two certificates speak for ${device}.`,
    ];
  }
  return [
    'The certificate is on no delivery list of a manufacturer. The device that showed it was not admitted.',
    `If your hospital bought it, ask the manufacturer for the list that names it, have it imported and claimed; then ${RECONNECT}. If nobody knows it, take it off the network ${WITHDRAW}.`,
  ];
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
