// `npm run bench`: our figures beside the peers' from the same run. Numbers of this machine, not of the README.
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { openTerminal, table } from '../cli/terminal.ts';
import { NODE_OPTIONS } from '../infra/blueprint-function.ts';
import { issuanceSubjects, makeIssuing } from './issuance.ts';
import { describe, measureAll } from './measure.ts';
import { makePaths, measureLatencies, pathSubjects } from './path.ts';
import { measureStorms, STORM_COLUMNS } from './storm.ts';
import { makeMaterial, whitelistSubjects } from './whitelist.ts';
import type { Material } from './import-rows.ts';

const ROWS = 1_000_000;

const terminal = openTerminal(false);
const material = await makeMaterial();
terminal.say(
  `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}; rows per CPU-second, minimum / median / maximum of 5`,
);
const peak = await terminal.step(`${ROWS.toLocaleString('en')} rows through import-manifest`, () => measureMemory());
const figures = await terminal.step('whitelist', (note) => measureAll(whitelistSubjects(material), note));
terminal.say(table(['whitelist', 'rows per CPU-second', 'inside the figure'], figures.map(describe)));
terminal.say(`${ROWS.toLocaleString('en')} rows: at most ${peak} MB resident, the whole process`);
const storms = await terminal.step('onboarding, in virtual time', (note) => measureStorms(note));
terminal.say(table(STORM_COLUMNS, storms));

const paths = makePaths();
const verdicts = await terminal.step('certificate paths', (note) => measureAll(pathSubjects(paths), note));
terminal.say(table(['certificate paths', 'verdicts per CPU-second', 'inside the figure'], verdicts.map(describe)));
const { p50, p99, worst, worstOf } = measureLatencies(paths);
terminal.say(`a path of three: p50 ${inMs(p50)}, p99 ${inMs(p99)}; worst hostile input ${inMs(worst)}: ${worstOf}`);

const issuing = await makeIssuing();
const issued = await terminal.step('issuance', (note) => measureAll(issuanceSubjects(issuing), note));
terminal.say(table(['issuance', 'certificates per CPU-second', 'inside the figure'], issued.map(describe)));

function inMs(milliseconds: number): string {
  return `${milliseconds.toFixed(2)} ms`;
}

/** In a process of its own, so that nothing else is counted, with the options that the functions have. */
function measureMemory(): Promise<string> {
  const script = join(import.meta.dirname, 'import-memory.ts');
  const env = { ...process.env, NODE_OPTIONS };
  const child = spawn(process.execPath, [script, String(ROWS)], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ authority: derOf(material), certificate: material.certificate }));
  return text(child.stdout);
}

function derOf({ anchor }: Material): string {
  return anchor.certificate.x509.raw.toString('base64');
}
