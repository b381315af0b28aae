// What may a device do at the broker? Two AWS IoT policies, one per phase of its life; each device gets its own topics
// by the thing variable, so no policy is ever made for a single device.
import { Stack } from 'aws-cdk-lib';
import { CfnPolicy } from 'aws-cdk-lib/aws-iot';
import { Construct } from 'constructs';

export class DevicePolicies extends Construct {
  /** The device holds its factory certificate only: it may ask for an operational one, nothing else. */
  readonly registration: DevicePolicy;
  /** The device holds an operational certificate: it may renew it, ask for data keys and send what it measures. */
  readonly operation: DevicePolicy;

  constructor(scope: Construct, id: string, { prefix }: { readonly prefix: string }) {
    super(scope, id);
    this.registration = new DevicePolicy(this, 'Registration', {
      name: `${prefix}-registration`,
      publish: ['certificate/request', 'certificate/confirm'],
      subscribe: ['certificate/accepted', 'certificate/rejected'],
    });
    this.operation = new DevicePolicy(this, 'Operation', {
      name: `${prefix}-operation`,
      publish: ['certificate/request', 'certificate/confirm', 'data-key/request', 'telemetry/*'],
      subscribe: [
        'certificate/accepted',
        'certificate/rejected',
        'certificate/renew',
        'data-key/accepted',
        'data-key/rejected',
      ],
    });
  }
}

interface DevicePolicyProps {
  readonly name: string;
  /** Below `wardkey/<thing>/`. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

class DevicePolicy extends Construct {
  readonly name: string;
  readonly arn: string;

  constructor(scope: Construct, id: string, { name, publish, subscribe }: DevicePolicyProps) {
    super(scope, id);
    const iot = (resource: string) => Stack.of(this).formatArn({ service: 'iot', resource });
    const on = (kind: 'topic' | 'topicfilter', topics: readonly string[]) =>
      topics.map((topic) => iot(`${kind}/wardkey/${THING}/${topic}`));
    this.name = name;
    this.arn = iot(`policy/${name}`);
    new CfnPolicy(this, 'Resource', {
      policyName: name,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          // A certificate of one device cannot connect under the name of another.
          { Effect: 'Allow', Action: 'iot:Connect', Resource: iot(`client/${THING}`), Condition: ATTACHED },
          { Effect: 'Allow', Action: 'iot:Publish', Resource: on('topic', publish) },
          { Effect: 'Allow', Action: 'iot:Subscribe', Resource: on('topicfilter', subscribe) },
          { Effect: 'Allow', Action: 'iot:Receive', Resource: on('topic', subscribe) },
        ],
      },
    });
  }
}

// Filled in by the broker at each connect and message. The thing exists and the certificate is attached to it, or
// nothing is allowed.
const THING = '${iot:Connection.Thing.ThingName}';
const ATTACHED = { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } };
