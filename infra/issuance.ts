// How does a device come to a certificate of its owner's, and keep one? (blueprint step 3)
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { BlueprintFunction, type BlueprintFunctionProps, type Service } from './blueprint-function.ts';
import { deviceRequests } from './device-requests.ts';
import { authoritiesOf } from './governance.ts';
import { brokerResources } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, COUNT, keysOf, READ, readObjects, sendTo, useTaggedKeys, WRITE, writeObjects } from './permissions.ts';
import { Schedule } from './schedule.ts';
import { SigningQueues } from './signing-queues.ts';
import { TopicRules } from './topic-rules.ts';
import { WorkQueue } from './work-queue.ts';

export interface IssuanceProps {
  readonly service: Service;
  readonly alignments: Queue;
}

export class Issuance extends Construct {
  readonly createAuthority: BlueprintFunction;
  readonly signing: SigningQueues;

  constructor(scope: Construct, id: string, { service, alignments }: IssuanceProps) {
    super(scope, id);
    const requests = new WorkQueue(this, 'Requests', {
      ...{ service, workTimeout: TIMEOUT, patience: PATIENCE, name: 'certificate-requests' },
      impact: 'Devices wait for certificates: those they have go on, until they end.',
    });
    const confirmations = new WorkQueue(this, 'Confirmations', {
      ...{ service, workTimeout: TIMEOUT, patience: PATIENCE, name: 'certificate-confirmations' },
      impact: 'New certificates are not confirmed: devices go on with two, and factory certificates stay in use.',
    });
    const timeouts = { certificates: TIMEOUT, lists: LISTS_TIMEOUT };
    this.signing = new SigningQueues(this, 'Signing', { service, timeouts });
    const issue = this.issueCertificate(service, alignments);
    requests.feed(issue.lambda, WORKERS);
    this.signing.certificates.feed(issue.lambda, 2);
    confirmations.feed(this.confirmCertificate(service, alignments).lambda, WORKERS);
    new TopicRules(this, 'Rules', {
      service,
      rules: [
        { ...RULES.request, queue: requests.queue },
        { ...RULES.confirm, queue: confirmations.queue },
      ],
      undelivered: {
        impact: 'Requests of devices were not delivered: they ask again by themselves.',
        article: 'certificate-requests-undelivered',
      },
    });
    this.pushRenewals(service, alignments);
    this.signing.lists.feed(this.publishCrl(service).lambda, 2, 1);
    this.createAuthority = this.authorityFunction(service);
  }

  private issueCertificate(service: Service, alignments: Queue): BlueprintFunction {
    const messages = service.trust.keys.messages;
    const step = new BlueprintFunction(this, 'IssueCertificate', {
      ...this.common(service),
      step: 'issue-certificate',
      impact: 'Devices get no certificates of their owners; those they have go on, until they end.',
      tables: { whitelist: WRITE, devices: COUNT, owners: READ, ledger: APPEND },
      environment: {
        alignments: alignments.queueUrl,
        signing: this.signing.orders.queueUrl,
        signed: this.signing.certificates.queue.queueArn,
      },
      permissions: [
        ...sendTo(alignments, messages),
        ...sendTo(this.signing.orders, messages),
        this.publish(['accepted', 'rejected']),
        ...useTaggedKeys(this, service.parameters.stage, { actions: SIGN, purposes: ['issuing'] }),
      ],
      concurrency: WORKERS + 2,
    });
    // A refusal rings nothing by itself; this one would, in the end, shut out every device of an owner.
    service.alarms.watch(step, 'Ends', {
      metric: step.countLines('AuthoritiesThatEnd', ['reason', 'authority-ends-first']),
      above: 0,
      impact: "An owner's issuing CA ends before a new certificate would: its devices can renew no more.",
      article: 'authority-ends',
    });
    accept(step, TAGGED, [wildcard(this, keysOf(Stack.of(this)))]);
    return this.acceptTopics(step, ['accepted', 'rejected']);
  }

  private confirmCertificate(service: Service, alignments: Queue): BlueprintFunction {
    const step = new BlueprintFunction(this, 'ConfirmCertificate', {
      ...this.common(service),
      step: 'confirm-certificate',
      impact: 'New certificates are not confirmed: devices go on with two, and factory certificates stay in use.',
      tables: { devices: COUNT, ledger: APPEND },
      environment: { alignments: alignments.queueUrl },
      permissions: [...sendTo(alignments, service.trust.keys.messages), this.publish(['accepted'])],
      concurrency: WORKERS,
    });
    return this.acceptTopics(step, ['accepted']);
  }

  private pushRenewals(service: Service, alignments: Queue): void {
    const step = new BlueprintFunction(this, 'PushRenewals', {
      ...this.common(service),
      step: 'push-renewals',
      impact: 'Nobody asks devices to renew their certificates; agents that ask by themselves do.',
      tables: { devices: WRITE, ledger: APPEND },
      environment: { alignments: alignments.queueUrl },
      permissions: [this.publish(['renew']), ...sendTo(alignments, service.trust.keys.messages)],
      timeout: Duration.minutes(15),
      concurrency: 1,
    });
    this.acceptTopics(step, ['renew']);
    new Schedule(this, 'Renewals', {
      service,
      target: step.lambda,
      every: Duration.days(1),
      input: { renewals: true },
      description: 'Wardkey: push-renewals asks devices whose certificates have reached two thirds of their life',
      impact: 'Nobody asks devices to renew their certificates.',
      article: 'renewals-not-pushed',
    });
  }

  private publishCrl(service: Service): BlueprintFunction {
    const { trust, parameters } = service;
    const lists = trust.objects.lists;
    const step = new BlueprintFunction(this, 'PublishCrl', {
      ...this.common(service),
      step: 'publish-crl',
      impact: 'Revocation lists are not published: in the end those who check certificates refuse all of them.',
      tables: { devices: WRITE, owners: READ, ledger: APPEND },
      environment: {
        manifests: trust.manifests.bucketName,
        signing: this.signing.orders.queueUrl,
        signedLists: this.signing.lists.queue.queueArn,
      },
      permissions: [
        // Without it S3 answers "forbidden" instead of "not found" for a list whose bytes somebody deleted.
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: [trust.objects.bucket] }),
        ...readObjects(lists, trust.keys.records),
        ...writeObjects(lists, trust.keys.records),
        ...sendTo(this.signing.orders, trust.keys.messages),
        ...useTaggedKeys(this, parameters.stage, { actions: SIGN, purposes: ['issuing'] }),
      ],
      // All owners' lists in one run, each with a signature.
      timeout: LISTS_TIMEOUT,
      memory: 1024,
      concurrency: 3, // the schedule beside the two of the queue
    });
    accept(step, 'One list per issuing CA, each under the digest of its certificate.', [wildcard(this, lists)]);
    accept(step, TAGGED, [wildcard(this, keysOf(Stack.of(this)))]);
    new Schedule(this, 'Lists', {
      service,
      target: step.lambda,
      every: Duration.hours(1),
      input: { lists: true },
      description: 'Wardkey: publish-crl looks for certificates that have ended since the last list',
      impact: 'Revocation lists are not published.',
      article: 'lists-not-published',
    });
    return step;
  }

  private authorityFunction(service: Service): BlueprintFunction {
    const stack = Stack.of(this);
    const { parameters } = service;
    const step = new BlueprintFunction(this, 'CreateAuthority', {
      ...this.common(service),
      step: 'create-authority',
      impact: 'No owner can be given an issuing authority; those that are there go on.',
      tables: { owners: WRITE, ledger: APPEND },
      environment: { roles: parameters.roles, account: stack.account },
      permissions: [
        new PolicyStatement({ actions: ['iot:RegisterCACertificate'], resources: ['*'] }),
        new PolicyStatement({
          actions: ['iot:UpdateCACertificate'],
          resources: brokerResources(parameters.stage, [authoritiesOf(stack)]),
        }),
        ...useTaggedKeys(this, parameters.stage, { actions: INSPECT, purposes: ['issuing', 'delivery'] }),
      ],
      concurrency: 1,
    });
    accept(step, 'A CA has no ARN before it is registered, and keys are made at run time, by people; tags say which.', [
      wildcard(this, '*'),
      wildcard(this, authoritiesOf(stack)),
      wildcard(this, keysOf(stack)),
    ]);
    return step;
  }

  private common(service: Service): Pick<BlueprintFunctionProps, 'service' | 'timeout' | 'memory'> {
    return { service, timeout: TIMEOUT, memory: 512 };
  }

  /** To any device, but only what the step says. */
  private publish(answers: readonly Answer[]): PolicyStatement {
    return new PolicyStatement({ actions: ['iot:Publish'], resources: this.topics(answers) });
  }

  private topics(answers: readonly Answer[]): string[] {
    return answers.map((answer) =>
      Stack.of(this).formatArn({ service: 'iot', resource: 'topic', resourceName: `wardkey/*/certificate/${answer}` }),
    );
  }

  private acceptTopics(step: BlueprintFunction, answers: readonly Answer[]): BlueprintFunction {
    const topics = this.topics(answers).map((arn) => wildcard(this, arn));
    accept(step, 'The step speaks to every device; ids of devices are known only when they are listed.', topics);
    return step;
  }
}

type Answer = 'accepted' | 'rejected' | 'renew';

const SIGN = ['kms:Sign', 'kms:GetPublicKey'];
const INSPECT = ['kms:DescribeKey', 'kms:ListResourceTags', 'kms:GetKeyPolicy', 'kms:GetPublicKey'];
// Below the 60 seconds of a lease, and long enough for four patient attempts at KMS.
const TIMEOUT = Duration.seconds(30);
const PATIENCE = Duration.minutes(5);
const LISTS_TIMEOUT = Duration.minutes(2);
const WORKERS = 5;
const TAGGED = 'Signing keys of owners are made at run time, by people; a role reaches them by their purpose tag only.';
const RULES = {
  request: {
    id: 'RequestRule',
    name: 'certificate_requests',
    description: 'Wardkey: devices ask for certificates of their owners',
    sql: deviceRequests('certificate/request'),
  },
  confirm: {
    id: 'ConfirmRule',
    name: 'certificate_confirmations',
    description: 'Wardkey: devices use their new certificates',
    sql: deviceRequests('certificate/confirm'),
  },
};
