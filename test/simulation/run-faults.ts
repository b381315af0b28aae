// `npm run faults -- --seeds 1000 --from 0`: fault runs as many as wanted; `--trace` shows every step of each.
import { parseArgs } from 'node:util';

import { runSeed } from './fault-run.ts';
import { describeFailure, runSeeds, summary } from './seeds.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    trace: { type: 'boolean', default: false },
  },
});
const [from, seeds] = [Number(values.from), Number(values.seeds)];

if (values.trace) for (let seed = from; seed < from + seeds; seed += 1) await runSeed(seed, { tell: console.log });
const runs = await runSeeds(from, seeds);
for (const run of runs.failed) console.log(describeFailure(run));
console.log(summary(runs));
process.exitCode = runs.failed.length === 0 ? 0 : 1;
