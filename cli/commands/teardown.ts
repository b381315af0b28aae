// `wardkey teardown`: takes devices and authorities off AWS IoT Core, so that `cdk destroy` can follow.
import type { Command } from 'commander';

import { OUTPUTS } from '../../shared/env.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { findPlace } from '../place.ts';
import { emptyBucket } from '../teardown/empty-bucket.ts';
import { findRemains } from '../teardown/plan.ts';
import { removeRemains } from '../teardown/remove.ts';

export function addTeardownCommand(program: Command): void {
  const teardown = program
    .command('teardown')
    .description('remove devices, certificates and CA registrations from AWS IoT Core; a dry run unless --yes')
    .option('--yes', 'do it; devices of this deployment are cut off for good')
    .addHelpText(
      'after',
      '\nTables and manifests stay, unless the deployment was made with -c retention=destroy. Keys of owners stay in their homes.',
    );
  answering<PlaceOptions & { yes?: true }>(withPlace(teardown), async (_args, options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const remains = await terminal.step('looking what AWS IoT Core holds of this deployment', () =>
      findRemains(deployment),
    );
    const [certificates, authorities] = [remains.certificates.length, remains.authorities.length];
    const counted = `${certificates} device certificates with their things, ${authorities} certificate authorities`;
    const buckets = disposableBuckets(deployment);
    const emptied = buckets.length === 0 ? '' : `, and the objects in ${buckets.join(' and ')}`;
    const json = { removed: options.yes === true, certificates, authorities, buckets };
    if (options.yes !== true) return { ok: true, json, text: `would remove ${counted}${emptied}; add --yes to do it` };
    await terminal.step(`removing ${counted}`, (note) => removeRemains(remains, note));
    for (const bucket of buckets) {
      await terminal.step(`emptying ${bucket}`, () => emptyBucket(bucket, deployment.place.config));
    }
    return { ok: true, json, text: `removed ${counted}${emptied}; cdk destroy can follow` };
  });
}

/** Only buckets that the deployment itself declares disposable. */
function disposableBuckets(deployment: Deployment): readonly string[] {
  if (deployment.output(OUTPUTS.retention) !== 'destroy') return [];
  return [deployment.output(OUTPUTS.manifestBucket), deployment.output(OUTPUTS.accessLogsBucket)];
}
