// Where does a simulated deployment run? The flows themselves, on fakes of the world: queues, workers and schedule as infra/
// sets them up, the broker behind its default quotas, all of it in virtual time.
import { changeStanding } from '../../functions/governance/change-standing/flow.ts';
import { changeTrust } from '../../functions/governance/change-trust/flow.ts';
import { answerRequest } from '../../functions/governance/change-trust/request.ts';
import { align } from '../../functions/onboarding/align-broker/flow.ts';
import { parseRequest } from '../../functions/onboarding/align-broker/request.ts';
import { sweepPending } from '../../functions/onboarding/align-broker/sweep.ts';
import { brokerQuota } from '../../functions/onboarding/broker-quota.ts';
import { registerDevice } from '../../functions/onboarding/register-device/flow.ts';
import { parseNotice } from '../../functions/onboarding/register-device/notice.ts';
import { claimDevices } from '../../functions/whitelist/claim-devices/flow.ts';
import type { Json } from '../../shared/canonical.ts';
import { Fault, type Outcome } from '../../shared/outcome.ts';
import type { AlignmentQueue, Broker, Registry } from '../../shared/ports.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeCallerIdentity, requestAct } from '../fakes/fake-caller-identity.ts';
import { MemoryAuthorityRegistry } from '../fakes/memory-authority-registry.ts';
import { BrokerError, MemoryBroker } from '../fakes/memory-broker.ts';
import { MemoryRegistry } from '../fakes/memory-registry.ts';
import { ACCOUNT, APPROVER, AUDIENCE, PRINCIPAL } from '../functions/scene.ts';
import { Chance } from './chance.ts';
import { Container, PortFailure, type Surroundings } from './container.ts';
import { FaultInjector, type Injection } from './fault-injector.ts';
import { IotQuotas, type BrokerCall } from './iot-quotas.ts';
import { Laws } from './laws.ts';
import { SimulatedQueue, type Delivery, type Work } from './simulated-queue.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';

export interface CloudTerms extends Delivery {
  readonly seed: string;
  readonly injection?: Injection;
  /** How often the broker throttles without a reason. */
  readonly throttles?: number;
  readonly skewMs?: number;
  readonly pendingDays: number;
  /** How many certificates a second the broker takes in by itself; all of them unless told. */
  readonly entersPerSecond?: number;
  /** Hears every step. */
  readonly tell?: (line: string) => void;
  /** A part that is broken on purpose: a run must find it. */
  readonly sabotage?: Sabotage;
}

export interface Sabotage {
  readonly registry?: (registry: MemoryRegistry) => Registry;
  readonly broker?: (broker: MemoryBroker) => Broker;
}

export type Act = Json & { readonly kind: string };

/** What infra/ says: onboarding.ts, alignment.ts, governance.ts. A message stays hidden six times the function's timeout. */
const WORKERS = {
  registrations: { concurrency: 10, visibilityMs: 6 * 30_000 },
  alignments: { concurrency: 2, visibilityMs: 6 * 50_000 },
  certificates: { concurrency: 2, visibilityMs: 6 * 50_000 },
  authorities: { concurrency: 2, visibilityMs: 6 * 30_000 },
} as const;
type QueueName = keyof typeof WORKERS;

const SWEEP_MS = 60_000;
const DEFECTS = new Set(['row-malformed', 'answer-malformed', 'environment-incomplete']);

export class Cloud {
  readonly time = new VirtualTime();
  readonly trace: Trace;
  readonly registry = new MemoryRegistry();
  readonly authorities = new MemoryAuthorityRegistry();
  readonly broker = new MemoryBroker({ policies: ['registration', 'operation'], authorities: this.authorities });
  readonly quotas = new IotQuotas(this.time);
  readonly laws = new Laws((text) => {
    this.trace.note(this.time.ms, text);
  });
  readonly chance: Chance;
  readonly faults: FaultInjector;
  readonly queues: Readonly<Record<QueueName, SimulatedQueue>>;
  /** What was thrown, by name and code. */
  readonly thrown = new Map<string, number>();
  /** Calls of ports, by name. */
  readonly calls = new Map<string, number>();
  throttled = 0;
  readonly #terms: CloudTerms;
  readonly #around: Surroundings;
  readonly #ports: { readonly registry: Registry; readonly broker: Broker; readonly alignments: AlignmentQueue };
  readonly #random = new CountingRandomness();
  readonly #callers = new FakeCallerIdentity();
  #acts = 0;

  constructor(terms: CloudTerms) {
    this.#terms = terms;
    this.trace = new Trace(terms.tell);
    this.chance = new Chance(terms.seed);
    this.faults = new FaultInjector(terms.injection);
    this.#around = this.#surroundings();
    const { sabotage = {} } = terms;
    const broker = sabotage.broker?.(this.broker) ?? this.broker;
    const registry = sabotage.registry?.(this.registry) ?? this.registry;
    this.#ports = {
      registry: this.laws.watchRegistry(registry, this.broker),
      broker: this.laws.watchBroker(broker),
      alignments: this.#senders(),
    };
    const queue = (name: QueueName, hire: () => Work) => this.#queue(name, hire);
    this.queues = {
      registrations: queue('registrations', () => this.#hireRegistrar()),
      alignments: queue('alignments', () => this.#hireAligner()),
      certificates: queue('certificates', () => this.#hireAligner()),
      authorities: queue('authorities', () => this.#hireTrustKeeper()),
    };
    this.#sweepEachMinute();
  }

  /** The registry as the laws see it: for rows that somebody else wrote before the story begins. */
  get watched(): Registry {
    return this.#ports.registry;
  }

  get random(): CountingRandomness {
    return this.#random;
  }

  /** Whether the broker has room for one more certificate that it does not know; takes it if so. */
  mayEnter(): boolean {
    const { entersPerSecond } = this.#terms;
    return entersPerSecond === undefined || this.quotas.takeOf('enter', entersPerSecond);
  }

  /** An event of the broker reaches the queue. */
  announce(event: Json): void {
    this.queues.registrations.send(JSON.stringify(event));
  }

  /** A person asks until the answer comes; each time is a request of its own. */
  async perform(act: Act): Promise<void> {
    for (;;) {
      this.#acts += 1;
      const requestId = `act-${this.#acts}`;
      try {
        const outcome = await this.#invoke(act, requestId);
        this.trace.note(this.time.ms, `${act.kind} ${outcome.outcome}`);
        return;
      } catch (error) {
        this.#around.onUnexpected(error, act.kind);
        await this.time.pause(5_000);
      }
    }
  }

  #invoke(act: Act, requestId: string): Promise<Outcome<unknown>> {
    const [step, flow] = stepOf(act);
    const container = this.#container(step);
    const roles = { operator: [PRINCIPAL], approver: [APPROVER] };
    const world = {
      ...this.#worldOf(container),
      callers: container.wire('callers', this.#callers),
      authorities: container.wire('authorities', this.authorities),
      ...{ roles, audience: AUDIENCE, requestId },
    };
    const event = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: this.time.now() });
    return container.run(() => flow(event, world));
  }

  #hireRegistrar(): Work {
    const container = this.#container('register-device');
    const world = { ...this.#worldOf(container), pendingDays: this.#terms.pendingDays };
    const quota = brokerQuota(world.registry, world.clock);
    return container.work(async ({ body, id }) => {
      const notice = parseNotice(body, ACCOUNT);
      if (notice.outcome === 'refused') throw new TypeError(`simulation: ${JSON.stringify(notice.refusal)}`);
      return registerDevice(notice.value, { ...world, quota, requestId: id });
    });
  }

  #hireAligner(): Work {
    const container = this.#container('align-broker');
    const world = { ...this.#worldOf(container), policies: { registration: 'registration', operation: 'operation' } };
    const quota = brokerQuota(world.registry, world.clock);
    return container.work(async ({ body, id }) => {
      const request = parseRequest(body);
      if (request.outcome === 'refused') throw new TypeError(`simulation: ${JSON.stringify(request.refusal)}`);
      return align(request.value, { ...world, quota, requestId: id });
    });
  }

  #hireTrustKeeper(): Work {
    const container = this.#container('change-trust');
    const world = { ...this.#worldOf(container), authorities: container.wire('authorities', this.authorities) };
    return container.work(({ body, id }) => answerRequest(body, { ...world, requestId: id }));
  }

  #sweepEachMinute(): void {
    this.time.after(SWEEP_MS, () => {
      const container = this.#container('sweep');
      void container
        .run(() => sweepPending(this.#worldOf(container)))
        .catch((error: unknown) => {
          this.#around.onUnexpected(error, 'sweep');
        });
      this.#sweepEachMinute();
    });
  }

  #container(step: string): Container {
    return new Container(step, this.#around);
  }

  #worldOf(container: Container) {
    const { registry, broker, alignments } = this.#ports;
    return {
      registry: container.wire('registry', registry),
      broker: container.wire('broker', broker),
      alignments: container.wire('alignments', alignments),
      clock: container.clock,
      random: this.#random,
    };
  }

  #senders(): AlignmentQueue {
    const send = (queue: QueueName, body: object) => {
      this.queues[queue].send(JSON.stringify(body));
      return Promise.resolve();
    };
    return {
      request: (device) => send('alignments', { device }),
      requestCertificate: (certificate) => send('certificates', { certificate }),
      requestRevocation: (certificate) => send('alignments', { certificate }),
      requestAuthority: (authority) => send('authorities', { authority }),
    };
  }

  #queue(name: QueueName, hire: () => Work): SimulatedQueue {
    const { duplicates, window } = this.#terms;
    const chance = this.chance.for(name);
    return new SimulatedQueue({ name, ...WORKERS[name], duplicates, window, time: this.time, chance, hire });
  }

  #surroundings(): Surroundings {
    const { throttles = 0, skewMs = 0 } = this.#terms;
    return {
      time: this.time,
      trace: this.trace,
      faults: this.faults,
      chance: this.chance.for('calls'),
      throttles,
      skewMs,
      take: (method) => this.#take(method as BrokerCall),
      onCall: (site) => this.calls.set(site, (this.calls.get(site) ?? 0) + 1),
      onUnexpected: (error, step) => {
        this.#judge(error, step);
      },
    };
  }

  #take(method: BrokerCall): boolean {
    const taken = this.quotas.take(method);
    if (!taken) this.throttled += 1;
    return taken;
  }

  /** A step may throw what its ports threw, and faults of its own; a row that it cannot read is a defect of ours. */
  #judge(error: unknown, step: string): void {
    const name = error instanceof Fault ? error.code : error instanceof Error ? error.name : typeof error;
    this.thrown.set(name, (this.thrown.get(name) ?? 0) + 1);
    if (error instanceof PortFailure || error instanceof BrokerError) return;
    if (error instanceof Fault && !DEFECTS.has(error.code)) return;
    const [what, where] = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)];
    this.laws.break(`${step} threw ${what ?? ''}${where ?? ''}`);
  }
}

type ActWorld = Parameters<typeof claimDevices>[1] & Parameters<typeof changeTrust>[1];
type Flow = (event: unknown, world: ActWorld) => Promise<Outcome<unknown>>;

function stepOf({ kind }: Act): readonly [step: string, flow: Flow] {
  if (kind === 'claim-devices') return ['claim-devices', claimDevices];
  if (kind === 'quarantine' || kind === 'deny') return ['change-standing', changeStanding];
  return ['change-trust', changeTrust];
}
