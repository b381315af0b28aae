// What becomes of a delivery from its arrival to its report? Both steps, the second for every chunk that was asked for.
import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import type { LineReport } from '../../../../shared/whitelist/decide-line.ts';
import type { ManifestLine } from '../../../../shared/whitelist/manifest.ts';
import { lotCountKey } from '../../../../shared/whitelist/lot.ts';
import type { Scene } from '../../scene.ts';
import { drop, manifestOf, REPORT, type Drop, type DroppedVersion } from '../import-manifest/deliveries.ts';

/** Answers what the report beside the manifest says of each line. */
export async function importLines(
  scene: Scene,
  lines: readonly ManifestLine[],
  wishes: Drop = {},
): Promise<readonly LineReport[]> {
  const delivery = await drop(scene, manifestOf(lines), wishes);
  await importAll(scene, delivery);
  return reportIn(scene, `${delivery.manifestKey}.report`).lines;
}

export async function importAll(scene: Scene, delivery: DroppedVersion): Promise<void> {
  for (const request of await askFor(scene, delivery)) await listDevices(request, scene);
}

/** The first step alone: what it asks the second one for. */
export async function askFor(scene: Scene, delivery: DroppedVersion) {
  const before = scene.chunks.requested.length;
  const answer = await importManifest(delivery, scene);
  if (answer.outcome === 'refused') throw new Error(JSON.stringify(answer.refusal));
  return scene.chunks.requested.slice(before);
}

export interface Report {
  readonly head: Readonly<Record<string, unknown>>;
  readonly lines: readonly LineReport[];
}

export function reportIn({ manifests }: Scene, key = REPORT): Report {
  const [head = '{}', ...lines] = (manifests.text(key) ?? '').split('\n').filter(Boolean);
  return {
    head: JSON.parse(head) as Report['head'],
    lines: lines.map((line) => JSON.parse(line) as LineReport),
  };
}

export function wordsOf(lines: readonly LineReport[]): readonly string[] {
  return lines.map(({ result, refusal }) => refusal?.reason ?? result);
}

/** Rows that stand under the SHA-256 of a certificate. */
export function listingsIn({ registry }: Scene) {
  return registry.rows('whitelist').filter(({ pk }) => /^[0-9a-f]{64}$/.test(pk));
}

export function countOf({ registry }: Scene, lot = '7'): Promise<unknown> {
  return registry.read([lotCountKey('acme', lot)]).then(([row]) => row?.['listed']);
}
