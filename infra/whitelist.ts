// How do a manufacturer's devices become known, and how do they get an owner without a voucher? (blueprint step 1)
import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { MANIFESTS } from './manifest-bucket.ts';
import { accept, wildcard } from './nag.ts';
import { acceptFrom, APPEND, READ, readObjects, sendTo, WRITE, writeObjects } from './permissions.ts';
import { WorkQueue } from './work-queue.ts';

export interface WhitelistProps {
  readonly service: Service;
  readonly alignments: Queue;
  readonly certificates: Queue;
}

export class Whitelist extends Construct {
  readonly claimDevices: BlueprintFunction;

  constructor(scope: Construct, id: string, { service, alignments, certificates }: WhitelistProps) {
    super(scope, id);
    const imports = new WorkQueue(this, 'Imports', {
      name: 'imports',
      service,
      workTimeout: IMPORT_TIMEOUT,
      patience: Duration.hours(1),
      impact: 'Manifests are not imported: their devices are refused as not listed.',
    });
    this.announceManifests(service, imports.queue);
    const chunks = new WorkQueue(this, 'Chunks', {
      name: 'chunks',
      service,
      workTimeout: LISTING_TIMEOUT,
      patience: Duration.hours(1),
      impact: 'Verified manifests are not listed: their devices are refused as not listed.',
    });
    imports.feed(this.importManifest(service, chunks.queue).lambda, IMPORTS_AT_ONCE);
    // One chunk a run: a run that dies takes no other chunk with it.
    chunks.feed(this.listDevices(service, certificates).lambda, LISTINGS_AT_ONCE, 1);
    this.claimDevices = this.createClaimDevices(service, alignments);
  }

  // S3 tells EventBridge of every object; a detached signature completes a manifest, or one whose entries are signed.
  private announceManifests({ trust }: Service, queue: Queue): void {
    const rule = new Rule(this, 'ManifestArrived', {
      description: 'Wardkey: a signed manifest is complete',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [trust.manifests.bucketName] },
          // Our own reports end otherwise, so that they do not come back.
          object: { key: [{ wildcard: `${MANIFESTS}.jws` }, { wildcard: `${MANIFESTS}.json` }] },
        },
      },
    });
    acceptFrom(queue, new ServicePrincipal('events.amazonaws.com'), rule.ruleArn);
    rule.addTarget({ bind: () => ({ arn: queue.queueArn }) });
  }

  private importManifest(service: Service, chunks: Queue): BlueprintFunction {
    const { manifests, objects, keys } = service.trust;
    const importManifest = new BlueprintFunction(this, 'ImportManifest', {
      service,
      step: 'import-manifest',
      impact: 'Manifests are not imported: their devices are refused as not listed.',
      tables: { whitelist: WRITE, owners: READ, ledger: APPEND },
      environment: { manifests: manifests.bucketName, chunks: chunks.queueUrl },
      permissions: [
        // Without it S3 answers "forbidden" instead of "not found" for a manifest that has not arrived yet.
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: [objects.bucket] }),
        ...readObjects(objects.manifests, keys.records),
        ...writeObjects(objects.reports, keys.records),
        ...writeObjects(objects.chunks, keys.records),
        ...sendTo(chunks, keys.messages),
      ],
      timeout: IMPORT_TIMEOUT,
      memory: 1024,
      concurrency: IMPORTS_AT_ONCE,
    });
    accept(importManifest, FOLDERS, [
      wildcard(this, objects.manifests),
      wildcard(this, objects.reports),
      wildcard(this, objects.chunks),
    ]);
    return importManifest;
  }

  private listDevices(service: Service, certificates: Queue): BlueprintFunction {
    const { manifests, objects, keys } = service.trust;
    const listDevices = new BlueprintFunction(this, 'ListDevices', {
      service,
      step: 'list-devices',
      impact: 'Verified manifests are not listed: their devices are refused as not listed.',
      tables: { whitelist: WRITE, devices: WRITE, owners: READ, ledger: APPEND },
      environment: { manifests: manifests.bucketName, certificates: certificates.queueUrl },
      permissions: [
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: [objects.bucket] }),
        ...readObjects(objects.chunks, keys.records),
        ...writeObjects(objects.chunks, keys.records),
        ...writeObjects(objects.reports, keys.records),
        ...sendTo(certificates, keys.messages),
      ],
      timeout: LISTING_TIMEOUT,
      memory: 1024,
      concurrency: LISTINGS_AT_ONCE,
    });
    accept(listDevices, FOLDERS, [wildcard(this, objects.reports), wildcard(this, objects.chunks)]);
    return listDevices;
  }

  private createClaimDevices(service: Service, alignments: Queue): BlueprintFunction {
    return new BlueprintFunction(this, 'ClaimDevices', {
      service,
      step: 'claim-devices',
      impact: 'Operators cannot claim devices: listed devices stay without an owner and are refused.',
      tables: { whitelist: READ, owners: READ, devices: WRITE, ledger: APPEND },
      environment: { alignments: alignments.queueUrl, roles: service.parameters.roles },
      permissions: sendTo(alignments, service.trust.keys.messages),
      timeout: Duration.seconds(60),
      memory: 512,
      concurrency: 5,
    });
  }
}

const IMPORT_TIMEOUT = Duration.minutes(15);
const IMPORTS_AT_ONCE = 2;
const LISTING_TIMEOUT = Duration.minutes(2);
// All runs of a lot count in one row: more of them would mostly wait for each other.
const LISTINGS_AT_ONCE = 2;
const FOLDERS =
  'The manufacturer and the lot name the manifest and its report, a digest its chunks; the folder bounds what the step can reach.';
