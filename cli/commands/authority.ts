// `wardkey authority`: an owner's own certificate authority. A ceremony makes it, a second person approves it.
import { Option, type Command } from 'commander';
import { join } from 'node:path';

import type { ApprovalShown } from '../../shared/governance/approval-shown.ts';
import { OUTPUTS } from '../../shared/env.ts';
import type { Json } from '../../shared/canonical.ts';
import type { AuthorityShown } from '../../shared/issuance/authority-shown.ts';
import type { SigningAlgorithm } from '../../shared/ports.ts';
import { holdCeremony } from '../authority/ceremony.ts';
import { openNotes } from '../authority/notes.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, invoke, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { table, UsageError, type Answer, type Terminal } from '../terminal.ts';

export function addAuthorityCommands(program: Command): void {
  const authority = program.command('authority').description("an owner's own certificate authority");
  const create = authority
    .command('create')
    .description('hold the ceremony, ask for approval, and install it; run it again to go on');
  create.requiredOption('--owner <owner>');
  create.requiredOption('--root <signer>', SIGNER).requiredOption('--issuing <signer>', SIGNER);
  create.addOption(
    new Option('--algorithm <name>', 'P-256, P-384, or Ed25519 where nothing but Wardkey checks')
      .choices(['ES256', 'ES384', 'EdDSA'])
      .default('ES256'),
  );
  create.option('--days <number>', 'how long a certificate of a device is valid (default: 90)');
  create.option('--crl-url <url>', 'where its revocation list is found (default: in the bucket of the deployment)');
  create.option('--ceremony <folder>', 'what it came to so far (default: ceremony-<owner>)');
  answering<PlaceOptions & CreateOptions>(withPlace(create), async (_args, options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    return createAuthority(deployment, options, terminal);
  });
  const show = authority.command('show').description('the chain, and what signs with it').argument('<owner>');
  answering<PlaceOptions>(withPlace(show), async ([owner = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const outcome = await invoke<AuthorityShown>(deployment, 'create-authority', { show: owner });
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    return { ok: true, json: outcome.value, text: describeAuthority(outcome.value) };
  });
}

const SIGNER = 'kms (a new key in AWS KMS), the ARN of a key there, or a pkcs11: URI';

export interface CreateOptions {
  readonly owner: string;
  readonly root: string;
  readonly issuing: string;
  readonly algorithm: SigningAlgorithm;
  readonly days?: string;
  readonly crlUrl?: string;
  readonly ceremony?: string;
}

type AuthorityAnswer =
  | { readonly result: 'requested'; readonly approval: ApprovalShown }
  | { readonly result: 'created' | 'unchanged'; readonly authority: AuthorityShown };

/** Two runs of one command: the first asks for approval, the one after it installs. */
export async function createAuthority(
  deployment: Deployment,
  options: CreateOptions,
  terminal: Terminal,
): Promise<Answer> {
  const { owner, root, issuing, algorithm, days, crlUrl } = options;
  if (days !== undefined && !/^[1-9]\d{0,2}$/.test(days)) throw new UsageError(`--days "${days}": expected 1 to 397`);
  const ceremony = `${owner} ${algorithm} root ${withoutQuery(root)} issuing ${withoutQuery(issuing)}`;
  const notes = openNotes(options.ceremony ?? join(process.cwd(), `ceremony-${owner}`), ceremony);
  const stage = { place: deployment.place, notes, terminal, now: () => new Date(Date.now()).toISOString() };
  const terms = await holdCeremony(
    {
      ...{ owner, root, issuing, algorithm },
      ...(days === undefined ? {} : { validityDays: Number(days) }),
      crlUrl: (fingerprint) => crlUrl ?? defaultCrlUrl(deployment, fingerprint),
    },
    stage,
  );
  const known = notes.read('approval');
  if (known !== undefined) {
    const outcome = await performAct<AuthorityAnswer>(deployment, 'create-authority', {
      kind: 'create-authority',
      approval: known,
    });
    return tell(outcome);
  }
  const outcome = await performAct<AuthorityAnswer>(deployment, 'create-authority', {
    kind: 'request-authority',
    terms: terms as unknown as Json,
  });
  if (outcome.outcome === 'done' && outcome.value.result === 'requested') {
    const { approval } = outcome.value.approval;
    await notes.once('approval', () => Promise.resolve(approval));
  }
  return tell(outcome);
}

/** What comes behind the question mark says where a PIN is. */
function withoutQuery(signer: string): string {
  return signer.split('?', 1)[0] ?? '';
}

function tell(outcome: Awaited<ReturnType<typeof performAct<AuthorityAnswer>>>): Answer {
  if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
  const { value } = outcome;
  if (value.result !== 'requested') return { ok: true, json: value, text: describeAuthority(value.authority) };
  const { approval, digest, expiresAt } = value.approval;
  const text = [
    `nothing signs yet: until ${expiresAt} another person approves it with`,
    `  wardkey approval approve ${approval} ${digest}`,
    'and then this command, run again, installs it',
  ].join('\n');
  return { ok: true, json: value, text };
}

function defaultCrlUrl(deployment: Deployment, fingerprint: string): string {
  const bucket = deployment.output(OUTPUTS.manifestBucket);
  const { region } = deployment.place.config;
  return `https://${bucket}.s3.${region}.amazonaws.com/revocation-lists/${fingerprint}.crl`;
}

export function describeAuthority({ owner, root, issuing, algorithm, home, ...rest }: AuthorityShown): string {
  const life = ({ notBefore, notAfter }: AuthorityShown['root']) =>
    `${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}`;
  return table(
    [`authority of ${owner}`, ''],
    [
      ['root', `${root.fingerprint}\n${life(root)}`],
      ['its key', rest.rootHome],
      ['issuing CA', `${issuing.fingerprint}\n${life(issuing)}`],
      ['its key', home.kind === 'kms' ? home.keyArn : `in a PKCS #11 token, as ${home.name}`],
      ['algorithm', algorithm],
      ['certificates', `valid for ${rest.validityDays} days`],
      ['revocation list', rest.crlUrl],
      ['AWS IoT Core', `${rest.caCertificateId}, takes in no certificate by itself`],
      ['since', `${rest.createdAt}, approved by request ${rest.approval}`],
    ],
  );
}
