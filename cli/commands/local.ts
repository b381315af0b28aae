// `wardkey local`: the AWS we develop against, on this machine.
import type { Command } from 'commander';

import { answering } from '../command.ts';
import { DEFAULT_FOLDER, localDown, localStatus, localUp } from '../local/cloud.ts';
import { table } from '../terminal.ts';

export function addLocalCommands(program: Command): void {
  const local = program.command('local').description('the local cloud of this checkout (loopback only)');
  answering(
    local.command('up').description('install and start it, or find it running'),
    async (_args, _options, terminal) => {
      const cloud = await localUp({
        folder: DEFAULT_FOLDER,
        progress: (line) => {
          terminal.say(`  · ${line}`);
        },
      });
      const { endpoint, mqttHost, mqttPort, region, account, caFile, pid } = cloud;
      const json = { endpoint, mqttHost, mqttPort, region, account, caFile, pid };
      return {
        ok: true,
        json,
        text: table(
          ['the local cloud', 'is up'],
          Object.entries(json).map(([name, value]) => [name, String(value)]),
        ),
      };
    },
  );
  answering(local.command('status').description('does it run? exit code 1 when it does not'), async () => {
    const status = await localStatus(DEFAULT_FOLDER);
    const text = status.running ? `running${status.answers ? '' : ', but it does not answer'}` : 'not running';
    return { ok: status.running && status.answers, json: status, text };
  });
  const down = local.command('down').description('stop it; its state stays').option('--forget', 'delete its state too');
  answering<{ forget?: true }>(down, async (_args, { forget }, terminal) => {
    await localDown(DEFAULT_FOLDER, {
      forget: forget === true,
      progress: (line) => {
        terminal.say(`  · ${line}`);
      },
    });
    return { ok: true, json: { running: false, forgotten: forget === true }, text: 'stopped' };
  });
}
