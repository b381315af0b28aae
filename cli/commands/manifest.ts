// `wardkey manifest`: deliveries of factories.
import type { Command } from 'commander';

import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment } from '../deployment.ts';
import { describeRefusal } from '../invoke.ts';
import { awaitReport, deliverManifest, type Report } from '../manifest.ts';
import { findPlace } from '../place.ts';
import { table, type Answer } from '../terminal.ts';
import { addManifestCheckCommand } from './manifest-check.ts';

export function addManifestCommands(program: Command): void {
  const manifest = program.command('manifest').description('signed lists of devices, from factories');
  addManifestCheckCommand(manifest);
  const deliver = manifest
    .command('import')
    .description('deliver a manifest (with <file>.jws where its format has one)');
  deliver.argument('<manufacturer>').argument('<file>').option('--watch', 'wait for its report');
  answering<PlaceOptions & { watch?: true }>(
    withPlace(deliver),
    async ([manufacturer = '', file = ''], options, terminal) => {
      const deployment = await findDeployment(await findPlace(options, terminal));
      const delivered = await terminal.step(`delivering ${file}`, () =>
        deliverManifest(deployment, manufacturer, file),
      );
      if (options.watch !== true) {
        return { ok: true, json: delivered, text: `delivered; its report will be ${delivered.report}` };
      }
      return describe(await terminal.step('waiting for its report', () => awaitReport(deployment, delivered)));
    },
  );
}

const MOST_ROWS = 50;

function describe(report: Report): Answer {
  const { refusal, lines, results = {} } = report;
  if (refusal !== undefined) return { ok: false, json: report, text: describeRefusal(refusal) };
  const rows = lines.slice(0, MOST_ROWS).map(({ line, device, result, refusal: why }) => {
    return [String(line), device ?? '', result, why?.reason ?? ''];
  });
  const more = lines.length > MOST_ROWS ? `\n… and ${lines.length - MOST_ROWS} more lines` : '';
  const totals = Object.entries(results).map(([name, count]) => `${count} ${name}`);
  const text = `${table(['line', 'device', 'result', 'reason'], rows)}${more}\n${totals.join(', ')}`;
  return { ok: lines.every(({ result }) => result !== 'refused'), json: report, text };
}
