// `wardkey manifest`: deliveries of factories.
import type { Command } from 'commander';

import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment } from '../deployment.ts';
import { describeRefusal } from '../invoke.ts';
import { deliverManifest, type Report } from '../manifest.ts';
import { findPlace } from '../place.ts';
import { table, type Answer } from '../terminal.ts';

export function addManifestCommands(program: Command): void {
  const manifest = program.command('manifest').description('signed lists of devices, from factories');
  const deliver = manifest.command('import').description('import a manifest with its signature (<file>.jws beside it)');
  deliver.argument('<manufacturer>').argument('<file>');
  answering<PlaceOptions>(withPlace(deliver), async ([manufacturer = '', file = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    return describe(await terminal.step(`importing ${file}`, () => deliverManifest(deployment, manufacturer, file)));
  });
}

function describe(report: Report): Answer {
  if (report.refusal !== undefined) return { ok: false, json: report, text: describeRefusal(report.refusal) };
  const lines = report.lines ?? [];
  const rows = lines.map(({ line, device, result, refusal }) => [
    String(line),
    device ?? '',
    result,
    refusal?.reason ?? '',
  ]);
  const ok = lines.every(({ result }) => result !== 'refused');
  return { ok, json: report, text: table(['line', 'device', 'result', 'reason'], rows) };
}
