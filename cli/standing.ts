// How is a change of standing told? What it is now, what that ends at once, and what follows within which time.
import type { StandingChange } from '../shared/governance/changes.ts';
import type { Effects } from '../shared/governance/effects.ts';
import { plain, table } from './terminal.ts';

export function describeStanding({ device, result, state, effects }: StandingChange): string {
  const summary = plain(`${result}: ${device} is ${state}`);
  return effects === undefined ? summary : `${summary}\n${describeEffects(effects)}`;
}

/** What is to be done at the device: the window alone changes nothing. */
export function describeWindow(
  { device, result }: StandingChange,
  { hours = '' }: { readonly hours?: string },
): string {
  return [
    plain(
      `${result}: for ${hours} h, ${device} may begin anew with the certificate of its factory. Nothing else has changed.`,
    ),
    'At the device, when no patient depends on it:',
    '  1 Switch it off: while it is connected with its present certificate, that of its factory is refused.',
    '  2 Have it forget its present certificate and key (a factory reset; `wardkey device run` with a new folder).',
    '  3 Switch it on: it connects with the certificate of its factory, and is admitted like a new one.',
  ].join('\n');
}

function describeEffects({ atOnce, later }: Effects): string {
  return table(
    ['what follows', 'when'],
    [
      ...atOnce.map((what) => [EFFECTS[what], 'at once']),
      ...later.map(({ what, within }) => [EFFECTS[what], `within ${within}`]),
    ],
  );
}

const EFFECTS = {
  'new certificates': 'it gets no new certificate',
  admission: 'it is not admitted',
  'new connections': 'the broker refuses it',
  'the open session': 'its open session is closed',
  'revocation lists': 'the revocation list names its certificates',
} as const satisfies Record<Effects['atOnce'][number] | Effects['later'][number]['what'], string>;
