// How is a first connect decided, and how does the broker learn the decision? (blueprint step 2)
import { Duration, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';

import { Alignment } from './alignment.ts';
import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { DevicePolicies } from './device-policies.ts';
import { FirstConnects } from './first-connects.ts';
import { APPEND, COUNT, READ, sendTo } from './permissions.ts';
import { WorkQueue } from './work-queue.ts';

export class Onboarding extends Construct {
  readonly policies: DevicePolicies;
  readonly alignment: Alignment;

  constructor(scope: Construct, id: string, service: Service) {
    super(scope, id);
    this.policies = new DevicePolicies(this, 'DevicePolicies', service.parameters);
    this.alignment = new Alignment(this, 'Alignment', { service, policies: this.policies });
    const registrations = new WorkQueue(this, 'Registrations', {
      name: 'registrations',
      key: service.trust.keys.messages,
      alarms: service.alarms,
      stage: service.parameters.stage,
      workTimeout: TIMEOUT,
      patience: Duration.minutes(5),
      impact: 'New devices wait for admission: their first connects are not decided.',
    });
    new FirstConnects(this, 'FirstConnects', { service, queue: registrations.queue });
    registrations.feed(this.registerDevice(service).lambda, service.parameters.registrationConcurrency);
  }

  private registerDevice(service: Service): BlueprintFunction {
    const { queue } = this.alignment;
    return new BlueprintFunction(this, 'RegisterDevice', {
      service,
      step: 'register-device',
      impact: 'New devices are neither admitted nor refused: they cannot connect for the first time.',
      tables: { whitelist: READ, owners: READ, devices: COUNT, ledger: APPEND },
      environment: { alignments: queue.queueUrl, account: Stack.of(this).account },
      permissions: sendTo(queue, service.trust.keys.messages),
      timeout: TIMEOUT,
      memory: 512,
      concurrency: service.parameters.registrationConcurrency,
    });
  }
}

const TIMEOUT = Duration.seconds(30);
