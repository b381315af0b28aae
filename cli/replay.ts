// What would `register-device` decide of this event in this world? The same flow, on rows from a file.
import { hash } from 'node:crypto';

import * as z from 'zod';

import { registerDevice, type Registration } from '../functions/onboarding/register-device/flow.ts';
import { parseNotice } from '../functions/onboarding/register-device/notice.ts';
import { parseEntry, type Entry } from '../shared/ledger/entry.ts';
import type { Outcome } from '../shared/outcome.ts';
import { replayRegistry, type StoredRow } from './replay-registry.ts';

const FILE = z.strictObject({
  /** As IoT Core publishes it on `$aws/events/certificates/registered/<caCertificateId>`. */
  event: z.unknown(),
  world: z.strictObject({
    now: z.iso.datetime(),
    account: z.string(),
    rows: z.array(
      z.strictObject({
        table: z.enum(['whitelist', 'devices', 'owners', 'ledger']),
        pk: z.string(),
        sk: z.string(),
        row: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
});

/** An event and the world it meets: `events/register-device/<case>.json`. */
export type ReplayFile = z.infer<typeof FILE>;

export interface Replay {
  readonly outcome: Outcome<Registration>;
  /** What the ledger would hold of it, without ids and salts, which are chance. */
  readonly entries: readonly (Pick<Entry, 'stream' | 'seq' | 'detail'> & {
    readonly kind: string;
    readonly time: string;
  })[];
  /** Rows of the Devices table afterwards. */
  readonly rows: readonly StoredRow[];
  /** Devices that align-broker would be asked to look at. */
  readonly alignments: readonly string[];
}

export function parseReplayFile(text: string): ReplayFile {
  return FILE.parse(JSON.parse(text));
}

export async function replayRegisterDevice({ event, world: { now, account, rows } }: ReplayFile): Promise<Replay> {
  const registry = replayRegistry(rows);
  const alignments: string[] = [];
  const world = {
    registry,
    alignments: {
      request: (device: string) => Promise.resolve(void alignments.push(device)),
      requestCertificate: (certificate: string) => Promise.resolve(void alignments.push(certificate)),
    },
    clock: { now: () => new Date(Date.parse(now)).toISOString(), pause: () => Promise.resolve() },
    random: { newId: () => 'replay', newSalt: () => hash('sha256', 'replay', 'buffer') },
    requestId: 'replay',
  };
  const notice = parseNotice(JSON.stringify(event), account);
  const outcome = notice.outcome === 'refused' ? notice : await registerDevice(notice.value, world);
  const before = new Set(rows.map(({ table, sk }) => `${table} ${sk}`));
  const fresh = registry.rows('ledger').filter(({ table, sk }) => !before.has(`${table} ${sk}`));
  return {
    outcome,
    entries: fresh.map(({ row }) => showEntry(parseEntry(row))),
    rows: registry.rows('devices'),
    alignments,
  };
}

function showEntry({ stream, seq, leaf: { kind, time }, detail }: Entry) {
  return { stream, seq, kind, time, detail };
}
