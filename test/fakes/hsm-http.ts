// AWS CloudHSM and AWS KMS over HTTP, on the loopback address: the fakes behind the wire format of both services (AWS JSON 1.1),
// in the shapes that their references document, page by page.
// https://docs.aws.amazon.com/cloudhsm/latest/APIReference/, https://docs.aws.amazon.com/kms/latest/APIReference/
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { HsmBackup, HsmCluster, KeyStore, KeyStoreProblem } from '../../shared/ports.ts';
import type { MemoryHsmFleet } from './memory-hsm-fleet.ts';
import type { MemoryKeyStores } from './memory-key-stores.ts';

type Body = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: Body;
}

export interface HsmHttp {
  readonly endpoint: string;
  /** Every call, as it came. */
  readonly calls: readonly { readonly action: string; readonly body: Body }[];
  /** Instead of what the fakes would answer, once. */
  answerNext(answer: Answer): void;
  close(): Promise<void>;
}

export async function openHsmHttp(fleet: MemoryHsmFleet, stores: MemoryKeyStores): Promise<HsmHttp> {
  const calls: { action: string; body: Body }[] = [];
  const planned: Answer[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const action = String(request.headers['x-amz-target']);
      const body = JSON.parse(await textOf(request)) as Body;
      calls.push({ action, body });
      const answer = planned.shift() ?? (await answerOf({ action, body }, fleet, stores));
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r-1' });
      response.end(JSON.stringify(answer.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    answerNext: (answer) => planned.push(answer),
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += String(part);
  return text;
}

interface Called {
  readonly action: string;
  readonly body: Body;
}

async function answerOf({ action, body }: Called, fleet: MemoryHsmFleet, stores: MemoryKeyStores): Promise<Answer> {
  const text = (name: string) => String(body[name]);
  const id = text('CustomKeyStoreId');
  switch (action) {
    case 'BaldrApiService.DescribeClusters':
      return cloudhsmPage(
        'Clusters',
        fleet.held().map(({ cluster }) => clusterShape(cluster)),
        body,
      );
    case 'BaldrApiService.DescribeBackups':
      return cloudhsmPage('Backups', filterBackups(fleet, body), body);
    case 'TrentService.DescribeCustomKeyStores':
      // Later pages belong to the look that the first one began.
      return storesPage(body['Marker'] === undefined ? await stores.list() : stores.stores(), body);
    case 'TrentService.CreateCustomKeyStore': {
      const name = text('CustomKeyStoreName');
      const [clusterId, trustAnchor] = [text('CloudHsmClusterId'), text('TrustAnchorCertificate')];
      const answer = await stores.create({ name, clusterId, trustAnchor, password: text('KeyStorePassword') });
      return kmsAnswer(answer, { CustomKeyStoreId: stores.stores().at(-1)?.id });
    }
    case 'TrentService.UpdateCustomKeyStore':
      return kmsAnswer(await stores.setPassword(id, text('KeyStorePassword')));
    case 'TrentService.ConnectCustomKeyStore':
      return kmsAnswer(await stores.connect(id));
    case 'TrentService.DisconnectCustomKeyStore':
      return kmsAnswer(await stores.disconnect(id));
    default:
      return { status: 400, body: { __type: 'UnknownOperationException', message: action } };
  }
}

/** One item a page: whoever reads the first page only sees one. */
function cloudhsmPage(name: string, items: readonly Body[], { NextToken }: Body): Answer {
  const at = Number(NextToken ?? 0);
  const more = at + 1 < items.length ? { NextToken: String(at + 1) } : {};
  return { status: 200, body: { [name]: items.slice(at, at + 1), ...more } };
}

function storesPage(stores: readonly KeyStore[], { Marker }: Body): Answer {
  const items = [EXTERNAL, ...stores.map(storeShape)];
  const at = Number(Marker ?? 0);
  const Truncated = at + 1 < items.length;
  const more = Truncated ? { NextMarker: String(at + 1) } : {};
  return { status: 200, body: { CustomKeyStores: items.slice(at, at + 1), Truncated, ...more } };
}

function filterBackups(fleet: MemoryHsmFleet, { Filters = {} }: Body): readonly Body[] {
  const { clusterIds, states } = Filters as Readonly<Record<string, readonly string[] | undefined>>;
  return fleet.held().flatMap(({ cluster, backups }) =>
    backups
      .filter(({ status }) => states?.includes(status) ?? true)
      .filter(() => clusterIds?.includes(cluster.id) ?? true)
      .map((backup) => backupShape(backup, cluster)),
  );
}

function clusterShape(cluster: HsmCluster): Body {
  const { id, status, hsmType, mode, retentionDays, subnets, securityGroup, certificate, hsms } = cluster;
  return {
    BackupPolicy: 'DEFAULT',
    ...(retentionDays === undefined ? {} : { BackupRetentionPolicy: { Type: 'DAYS', Value: String(retentionDays) } }),
    Certificates: certificate === undefined ? {} : { ClusterCertificate: certificate },
    ClusterId: id,
    CreateTimestamp: 1_764_000_000.123,
    Hsms: hsms.map((hsm) => ({
      HsmId: hsm.id,
      State: hsm.status,
      ClusterId: id,
      StateMessage: 'HSM created.',
      ...(hsm.zone === undefined ? {} : { AvailabilityZone: hsm.zone, SubnetId: `subnet-${hsm.zone}` }),
    })),
    HsmType: hsmType,
    ...(mode === undefined ? {} : { Mode: mode }),
    NetworkType: 'IPV4',
    ...(securityGroup === undefined ? {} : { SecurityGroup: securityGroup }),
    State: status,
    SubnetMapping: subnets,
    TagList: [],
    VpcId: 'vpc-1',
  };
}

function backupShape({ id, status, createdAt, goneAt }: HsmBackup, cluster: HsmCluster): Body {
  return {
    BackupId: id,
    BackupState: status,
    ClusterId: cluster.id,
    CreateTimestamp: Date.parse(createdAt) / 1000,
    ...(goneAt === undefined ? {} : { DeleteTimestamp: Date.parse(goneAt) / 1000 }),
    HsmType: cluster.hsmType,
    NeverExpires: false,
    TagList: [],
  };
}

function storeShape({ id, name, clusterId, trustAnchor, connection, errorCode }: KeyStore): Body {
  return {
    CustomKeyStoreId: id,
    CustomKeyStoreName: name,
    CustomKeyStoreType: 'AWS_CLOUDHSM',
    CloudHsmClusterId: clusterId,
    TrustAnchorCertificate: trustAnchor,
    ConnectionState: connection,
    ...(errorCode === undefined ? {} : { ConnectionErrorCode: errorCode }),
    CreationDate: 1_764_000_000.123,
  };
}

/** Of the other kind, which stands on a proxy and on no cluster. */
const EXTERNAL = {
  CustomKeyStoreId: 'cks-external',
  CustomKeyStoreName: 'external',
  CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
  ConnectionState: 'CONNECTED',
  CreationDate: 1_764_000_000,
  XksProxyConfiguration: {
    Connectivity: 'PUBLIC_ENDPOINT',
    UriEndpoint: 'https://xks.example',
    UriPath: '/kms/xks/v1',
  },
};

function kmsAnswer(answer: 'done' | KeyStoreProblem, body: Body = {}): Answer {
  if (answer === 'done') return { status: 200, body };
  return { status: 400, body: { __type: ERRORS[answer], message: 'as documented' } };
}

const ERRORS: Readonly<Record<KeyStoreProblem, string>> = {
  'name-in-use': 'CustomKeyStoreNameInUseException',
  'cluster-in-use': 'CloudHsmClusterInUseException',
  'cluster-unknown': 'CloudHsmClusterNotFoundException',
  'cluster-not-active': 'CloudHsmClusterNotActiveException',
  'cluster-misconfigured': 'CloudHsmClusterInvalidConfigurationException',
  'trust-anchor-differs': 'IncorrectTrustAnchorException',
  'limit-reached': 'LimitExceededException',
  'store-unknown': 'CustomKeyStoreNotFoundException',
  'status-differs': 'CustomKeyStoreInvalidStateException',
};
