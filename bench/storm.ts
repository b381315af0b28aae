// How fast do ten thousand devices come in that were switched on at once? In virtual time, against AWS's default quotas.
import { runStorm, type Storm, type StormTerms } from '../test/simulation/storm.ts';

const DEVICES = 10_000;
const GOAL_SECONDS = 17.5 * 60;

const STORMS: readonly (readonly [name: string, terms: StormTerms])[] = [
  ['switched on at once', { devices: DEVICES }],
  ['+ 500 strangers, 500 clones', { devices: DEVICES, intruders: 500 }],
  ['+ duplicates, disorder, throttling', { devices: DEVICES, isRude: true }],
];

export const STORM_COLUMNS = [
  `${DEVICES.toLocaleString('en')} devices`,
  'drained in',
  'admissions',
  'lost / twice / stuck',
  'here',
];

/** One row for each storm, as STORM_COLUMNS names them. */
export async function measureStorms(tell: (line: string) => void): Promise<readonly (readonly string[])[]> {
  const rows: (readonly string[])[] = [];
  for (const [name, terms] of STORMS) {
    tell(name);
    const started = performance.now();
    rows.push(describeStorm(name, await runStorm(terms), performance.now() - started));
  }
  return rows;
}

/** The goal is for the first: the two others say what disorder costs. */
function describeStorm(name: string, storm: Storm, wallMs: number): readonly string[] {
  const { drainSeconds, perSecond, boundPerSecond, lost, twice, stuck } = storm;
  const minutes = (seconds: number) => `${(seconds / 60).toFixed(2)} min`;
  return [
    name,
    `${minutes(drainSeconds)} (goal ${minutes(GOAL_SECONDS)})`,
    `${perSecond.toFixed(2)}/s of the ${boundPerSecond}/s that the quotas allow`,
    `${lost} / ${twice} / ${stuck}`,
    `${(wallMs / 1000).toFixed(1)} s`,
  ];
}
