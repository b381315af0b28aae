// `wardkey signer`: a long-running worker beside the HSM that holds owners' issuing keys.
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import { setTimeout } from 'node:timers/promises';

import { OUTPUTS } from '../../shared/env.ts';
import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { sameBytes } from '../../shared/identity/path-rules.ts';
import type { AuthorityShown } from '../../shared/issuance/authority-shown.ts';
import { readIssuer, type Issuer } from '../../shared/issuance/issuer.ts';
import { openSigner } from '../authority/signers.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, invoke } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { serve } from '../signer/serve.ts';
import type { ServedKey } from '../signer/sign-order.ts';
import { UsageError, type Terminal } from '../terminal.ts';

export function addSignerCommands(program: Command): void {
  const signer = program.command('signer').description('sign beside the HSM, for issuing keys that AWS does not hold');
  const run = signer.command('run').description('take orders from the queue and sign them, until it is interrupted');
  run.requiredOption('--key <owner=uri...>', "an owner's issuing key: st-anna=pkcs11:token=…;object=…?module-path=…");
  run.option('--once', 'end when no order waits');
  answering<PlaceOptions & { readonly key: readonly string[]; readonly once?: true }>(
    withPlace(run),
    async (_args, options, terminal) => {
      const deployment = await findDeployment(await findPlace(options, terminal));
      const keys = await Promise.all(options.key.map((text) => openKey(text, deployment)));
      const signed = await serveKeys(deployment, keys, { once: options.once === true, terminal });
      return { ok: true, json: { signed }, text: `${signed} orders signed` };
    },
  );
}

/** The key in the token must be the one that the owner's issuing certificate names: else nothing it signs is of use. */
async function openKey(text: string, deployment: Deployment): Promise<ServedKey> {
  const [owner = '', uri = ''] = split(text);
  const outcome = await invoke<AuthorityShown>(deployment, 'create-authority', { show: owner });
  if (outcome.outcome === 'refused') throw new UsageError(describeRefusal(outcome.refusal));
  const { home } = outcome.value;
  if (home.kind !== 'pkcs11')
    throw new UsageError(`the issuing key of ${owner} is in AWS KMS: nobody signs for it here`);
  const issuer = issuerOf(outcome.value);
  const { signer } = openSigner(uri, { owner, purpose: 'issuing', algorithm: issuer.algorithm }, deployment.place);
  if (!sameBytes(await signer.publicKey(), issuer.publicKey))
    throw new UsageError(`the key in the token is not the issuing key of ${owner}`);
  return { name: home.name, signer, issuer };
}

function split(text: string): readonly string[] {
  const at = text.indexOf('=pkcs11:');
  if (at < 1) throw new UsageError(`--key "${text}": expected <owner>=pkcs11:…`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function issuerOf({ issuing }: AuthorityShown): Issuer {
  const certificate = parsePemCertificate(issuing.pem);
  const issuer = certificate.outcome === 'refused' ? certificate : readIssuer(certificate.value);
  if (issuer.outcome === 'refused') throw new Error(describeRefusal(issuer.refusal));
  return issuer.value;
}

interface Serving {
  readonly once: boolean;
  readonly terminal: Terminal;
}

async function serveKeys(
  deployment: Deployment,
  keys: readonly ServedKey[],
  { once, terminal }: Serving,
): Promise<number> {
  const stop = new AbortController();
  const end = () => {
    stop.abort();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const client = new SQSClient(deployment.place.config);
  const queues = {
    orders: deployment.output(OUTPUTS.signingOrders),
    certificate: deployment.output(OUTPUTS.signedCertificates),
    list: deployment.output(OUTPUTS.signedLists),
  };
  terminal.say(`signing for ${keys.map(({ name }) => name).join(', ')}; Ctrl-C ends it after the order at hand`);
  return serve(
    {
      ...{ client, queues, keys, signal: stop.signal },
      pause: (milliseconds) => setTimeout(milliseconds, undefined, { signal: stop.signal }).catch(() => undefined),
      report: (event) => {
        terminal.say(`${new Date(Date.now()).toISOString()} ${JSON.stringify(event)}`);
      },
    },
    { once },
  );
}
