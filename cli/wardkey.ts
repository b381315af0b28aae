// The one executable: factory station, local cloud, operator and auditor.
import { Command, CommanderError } from 'commander';

import { addApprovalCommands } from './commands/approval.ts';
import { addAuthorityCommands } from './commands/authority.ts';
import { addCertificateCommands } from './commands/certificate-check.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDeviceCommands } from './commands/device.ts';
import { addSignerCommands } from './commands/signer.ts';
import { addStationCommands } from './commands/station.ts';
import { addHsmCommands } from './commands/hsm.ts';
import { addListingCommands } from './commands/listing.ts';
import { addLocalCommands } from './commands/local.ts';
import { addManifestCommands } from './commands/manifest.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addTeardownCommand } from './commands/teardown.ts';
import { addTrustCommands } from './commands/trust.ts';
import { UsageError } from './terminal.ts';

const EXIT_CODES = `
Exit codes: 0 success, 1 refused or invalid, 2 usage, 3 fault.
Each command takes --json (one document on stdout). Colours honour NO_COLOR and pipes.`;

const USAGE = 2;
const FAULT = 3;

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('wardkey')
    .description('Device trust for healthcare IoT on AWS: whitelist, onboarding, ownership, evidence.')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride();
  const commands = [
    addLocalCommands,
    addStationCommands,
    addTrustCommands,
    addAuthorityCommands,
    addSignerCommands,
    addManifestCommands,
    addCertificateCommands,
    addListingCommands,
    addDeviceCommands,
    addApprovalCommands,
    addHsmCommands,
  ];
  for (const add of [...commands, addReplayCommand, addTeardownCommand, addDemoCommand]) add(program);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return explain(error, argv.includes('--json'));
  }
}

function explain(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  const message = error instanceof Error ? error.message : String(error);
  const usage = error instanceof UsageError;
  if (json) process.stdout.write(`${JSON.stringify({ outcome: usage ? 'usage' : 'fault', message })}\n`);
  process.stderr.write(`wardkey: ${message}\n`);
  if (process.env['WARDKEY_DEBUG'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`);
  return usage ? USAGE : FAULT;
}

process.exitCode = await main(process.argv);
