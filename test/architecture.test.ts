// Does every file stay in its room? Reads the imports and the forbidden words of the code and names the broken rule.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

import ts from 'typescript';
import { describe, expect, test } from 'vitest';

interface Room {
  readonly name: string;
  /** The first room whose pattern matches a path is its room. */
  readonly files: RegExp;
  /** Rooms that may be imported; a room may not import itself unless it says so. */
  readonly may: readonly string[];
  /** Rooms of which only types may be imported. */
  readonly types?: readonly string[];
  /** Packages that may be imported. */
  readonly packages?: RegExp;
  /** Neither clock, randomness, environment, network nor log. */
  readonly pure?: boolean;
  readonly longest?: number;
}

const WORDS = ['vocabulary', 'bytes', 'rows'];
const CHAPTERS = ['identity', 'signing', 'whitelist', 'ownership', 'issuance', 'data-keys'];
const SHARED = [...WORDS, ...CHAPTERS, 'governance', 'ledger', 'ports', 'env', 'aws', 'aws wiring', 'hsm'];
const CHAPTER_PACKAGES = /^(node:crypto|zod)$/;
const ANY = /./;

/** DESIGN section 2. A chapter imports earlier chapters only; `ledger` stands beside them and no chapter knows it. */
const ROOMS: readonly Room[] = [
  {
    name: 'vocabulary',
    files: /^shared\/(lifecycle|lifecycle-moves|device-row|reasons|outcome)\.ts$/,
    may: ['vocabulary'],
    pure: true,
  },
  { name: 'bytes', files: /^shared\/(json|canonical)\.ts$/, may: ['bytes'], pure: true },
  { name: 'rows', files: /^shared\/rows\.ts$/, may: ['vocabulary'], packages: /^zod$/, pure: true },
  { name: 'ports', files: /^shared\/ports\.ts$/, may: [], pure: true },
  { name: 'env', files: /^shared\/env\.ts$/, may: [], pure: true },
  ...CHAPTERS.map((name, index) => chapter(name, CHAPTERS.slice(0, index))),
  // It shows what other rooms hold, such as a device's dossier: it may name their types and call nothing of theirs.
  { ...chapter('governance', ['identity']), types: ['ports', 'whitelist', 'ledger'] },
  chapter('ledger', []),
  {
    name: 'aws wiring',
    files: /^shared\/aws\/environment\.ts$/,
    may: ['env', 'governance', ...WORDS],
    types: ['ports', 'aws'],
    packages: /^(@aws-sdk\/|node:)/,
  },
  {
    name: 'aws',
    files: /^shared\/aws\//,
    may: ['env', ...WORDS],
    types: ['ports', 'ledger'],
    packages: /^(@aws-sdk\/|@smithy\/|node:)/,
  },
  {
    name: 'hsm',
    files: /^shared\/hsm\//,
    may: ['env', ...WORDS],
    types: ['ports', 'ledger'],
    packages: /^(pkcs11js$|node:)/,
  },
  {
    name: 'handler',
    files: /^functions\/[^/]+\/[^/]+\/handler\.ts$/,
    may: ['own step', 'handle', 'broker quota', 'aws', 'aws wiring', 'hsm', 'env', 'vocabulary'],
    packages: /^(@aws-sdk\/client-|aws-lambda$)/,
    longest: 39,
  },
  {
    name: 'edge of a step',
    files: /^functions\/governance\/guard-deletion\/custom-resource\.ts$/,
    may: ['own step', ...WORDS],
    packages: /^zod$/,
  },
  {
    name: 'flow',
    files: /^functions\/[^/]+\/[^/]+\/[^/]+\.ts$/,
    may: [
      'own step',
      'perform-act',
      'answer-device',
      'suspect-clone',
      'end-certificates',
      'lease',
      'ledger',
      'governance',
      ...CHAPTERS,
      ...WORDS,
    ],
    types: ['ports', 'broker quota'],
    packages: CHAPTER_PACKAGES,
    pure: true,
  },
  {
    name: 'handle',
    files: /^functions\/handle\.ts$/,
    may: WORDS,
    types: ['env'],
    packages: /^(@middy\/|@aws-lambda-powertools\/|aws-lambda$)/,
  },
  {
    name: 'perform-act',
    files: /^functions\/perform-act\.ts$/,
    may: ['governance', 'ledger', ...WORDS],
    types: ['ports'],
    packages: /^zod$/,
    pure: true,
  },
  {
    name: 'answer-device',
    files: /^functions\/answer-device\.ts$/,
    may: ['issuance', 'whitelist', 'ledger', ...WORDS],
    types: ['ports'],
    pure: true,
  },
  {
    name: 'end-certificates',
    files: /^functions\/end-certificates\.ts$/,
    may: ['issuance', 'ledger', ...WORDS],
    types: ['ports'],
    pure: true,
  },
  {
    name: 'suspect-clone',
    files: /^functions\/suspect-clone\.ts$/,
    may: ['end-certificates', 'identity', 'issuance', 'ledger', ...WORDS],
    types: ['ports'],
    pure: true,
  },
  {
    name: 'lease',
    files: /^functions\/lease\.ts$/,
    may: ['vocabulary', 'rows'],
    types: ['ports'],
    packages: /^zod$/,
    pure: true,
  },
  {
    name: 'broker quota',
    files: /^functions\/onboarding\/broker-quota\.ts$/,
    may: ['vocabulary', 'rows'],
    types: ['ports'],
    packages: /^zod$/,
    pure: true,
  },
  { name: 'infra', files: /^infra\//, may: ['infra', 'env'], packages: ANY },
  { name: 'replay', files: /^cli\/replay\.ts$/, may: ['cli', 'replay', 'device', 'flow', ...SHARED], packages: ANY },
  { name: 'cli', files: /^cli\//, may: ['cli', 'replay', 'device', ...SHARED], packages: ANY },
  {
    name: 'device',
    files: /^device\//,
    may: ['device', ...SHARED.filter((room) => !room.startsWith('aws'))],
    packages: /^(?!@aws-sdk\/)/,
  },
];

/** What a pure room may not name; `new Date()` without an argument, `Date.now` and `Math.random` are found apart. */
const IMPURE = new Set([
  'process',
  'console',
  'fetch',
  'performance',
  'randomBytes',
  'randomUUID',
  'getRandomValues',
  'setTimeout',
]);

function chapter(name: string, earlier: readonly string[]): Room {
  const files = new RegExp(`^shared/${name}/`);
  return { name, files, may: [name, ...earlier, ...WORDS], types: ['ports'], packages: CHAPTER_PACKAGES, pure: true };
}

interface Import {
  readonly from: string;
  readonly typesOnly: boolean;
  /** `import * as name`. */
  readonly namespace: boolean;
}

/** Every rule that this file breaks, in plain words. */
function findBreaks(path: string, text: string): readonly string[] {
  const room = roomOf(path);
  if (room === undefined) return [`${path}: stands in no room that DESIGN section 2 knows`];
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const nodes = allNodes(tree);
  const imports = nodes.flatMap(readImport);
  const lines = text.trimEnd().split('\n').length;
  return [
    ...imports.flatMap((found) => checkImport(path, room, found)),
    ...checkClients(path, room, imports),
    ...(room.pure === true
      ? nodes.flatMap(findImpurity).map((word) => `${path}: ${room.name} must not use ${word}`)
      : []),
    ...(path === 'shared/lifecycle.ts' || !nodes.some(comparesState)
      ? []
      : [`${path}: only lifecycle.ts compares device states`]),
    ...(lines > (room.longest ?? Infinity) ? [`${path}: expected fewer than 40 lines of wiring, got ${lines}`] : []),
  ];
}

function roomOf(path: string): Room | undefined {
  return ROOMS.find(({ files }) => files.test(path));
}

function checkImport(path: string, room: Room, { from, typesOnly, namespace }: Import): string[] {
  if (from === 'zod' && !typesOnly && !namespace) return [`${path}: zod is imported as "import * as z from 'zod'"`];
  if (!from.startsWith('.')) {
    return room.packages?.test(from) === true ? [] : [`${path}: ${room.name} must not import the package "${from}"`];
  }
  const target = posix.join(dirname(path), from);
  const other = roomOf(target)?.name ?? 'no room';
  const own = dirname(target) === dirname(path) ? ['own step'] : [];
  // `flow` is a room of many steps: one step never imports another.
  const names =
    other === 'flow' || other === 'edge of a step' ? (own.length > 0 ? own : ['another step', other]) : [other];
  if (names.some((name) => room.may.includes(name))) return [];
  if (!names.some((name) => room.types?.includes(name) === true))
    return [`${path}: ${room.name} must not import ${names[0] ?? other} (${target})`];
  return typesOnly ? [] : [`${path}: ${room.name} may import types only of ${other} (${target})`];
}

/** One technology, one adapter: a second SDK client in one file would be a decision about two services. */
function checkClients(path: string, room: Room, imports: readonly Import[]): string[] {
  const clients = new Set(imports.map(({ from }) => from).filter((from) => from.startsWith('@aws-sdk/client-')));
  return room.name === 'aws' && clients.size > 1
    ? [`${path}: an adapter uses one SDK client, got ${[...clients].join(', ')}`]
    : [];
}

function readImport(node: ts.Node): Import[] {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    const bindings = clause?.namedBindings;
    const namespace = bindings !== undefined && ts.isNamespaceImport(bindings);
    const named =
      bindings !== undefined && ts.isNamedImports(bindings) && clause?.name === undefined
        ? bindings.elements
        : undefined;
    const eachType = named !== undefined && named.length > 0 && named.every(({ isTypeOnly }) => isTypeOnly);
    return one(node.moduleSpecifier, eachType || clause?.phaseModifier === ts.SyntaxKind.TypeKeyword, namespace);
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
    return one(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return one(node.argument.literal, true);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return one(node.arguments[0], false);
  return [];
}

function one(specifier: ts.Node | undefined, typesOnly: boolean, namespace = false): Import[] {
  // A computed import could lead anywhere.
  const from = specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : 'a computed path';
  return [{ from, typesOnly, namespace }];
}

function findImpurity(node: ts.Node): string[] {
  if (ts.isIdentifier(node) && IMPURE.has(node.text)) return [`"${node.text}"`];
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments ?? []).length === 0)
    return ['"new Date()" without an argument'];
  const text = ts.isPropertyAccessExpression(node) ? node.getText() : '';
  return text === 'Date.now' || text === 'Math.random' ? [`"${text}"`] : [];
}

const COMPARISONS = new Set([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
]);

function comparesState(node: ts.Node): boolean {
  if (ts.isSwitchStatement(node)) return isState(node.expression);
  return (
    ts.isBinaryExpression(node) &&
    COMPARISONS.has(node.operatorToken.kind) &&
    (isState(node.left) || isState(node.right))
  );
}

function isState(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.name.text === 'state';
}

function allNodes(node: ts.Node): readonly ts.Node[] {
  const nodes: ts.Node[] = [node];
  node.forEachChild((child) => void nodes.push(...allNodes(child)));
  return nodes;
}

const ROOT = join(import.meta.dirname, '..');

function readSources(): ReadonlyMap<string, string> {
  const folders = ['shared', 'functions', 'infra', 'cli', 'device'].filter((folder) =>
    readdirSync(ROOT).includes(folder),
  );
  const paths = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => posix.join(folder, name)),
  );
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.includes('node_modules'));
  return new Map(sources.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

describe('the code', () => {
  const sources = readSources();

  test('is read: more than forty files', () => {
    expect(sources.size).toBeGreaterThan(40);
  });

  test('keeps every file in its room', () => {
    expect([...sources].flatMap(([path, text]) => findBreaks(path, text))).toEqual([]);
  });
});

const CHAPTER = 'shared/identity/a.ts';
const ADAPTER = 'shared/aws/a.ts';
const FLOW = 'functions/x/y/flow.ts';
const HANDLER = 'functions/x/y/handler.ts';

describe('the checker', () => {
  test.each<[path: string, text: string, said: string]>([
    // rooms
    ['shared/outcome.ts', "import './identity/anchor.ts'", 'vocabulary must not import identity'],
    ['shared/canonical.ts', "import * as z from 'zod'", 'bytes must not import the package "zod"'],
    ['shared/ports.ts', "import type { A } from './lifecycle.ts'", 'ports must not import vocabulary'],
    ['shared/stray.ts', '', 'stands in no room'],
    [CHAPTER, "import { b } from '../whitelist/b.ts'", 'identity must not import whitelist'],
    [CHAPTER, "import '../whitelist/b.ts'", 'identity must not import whitelist'],
    [CHAPTER, "export * from '../ownership/b.ts'", 'identity must not import ownership'],
    [CHAPTER, "await import('../whitelist/b.ts')", 'identity must not import whitelist'],
    [CHAPTER, 'await import(name)', 'identity must not import the package "a computed path"'],
    ['shared/whitelist/a.ts', "import type { B } from '../issuance/b.ts'", 'whitelist must not import issuance'],
    ['shared/whitelist/a.ts', "type B = import('../ownership/b.ts').B", 'whitelist must not import ownership'],
    ['shared/whitelist/a.ts', "import { c } from '../ledger/entry.ts'", 'whitelist must not import ledger'],
    ['shared/ledger/a.ts', "import { c } from '../whitelist/c.ts'", 'ledger must not import whitelist'],
    [
      'shared/whitelist/formats/a.ts',
      "import { c } from '../../ownership/c.ts'",
      'whitelist must not import ownership',
    ],
    ['shared/whitelist/formats/a.ts', "import { c } from 'node:fs'", 'must not import the package "node:fs"'],
    ['shared/whitelist/formats/a.ts', 'const a = Date.now()', 'whitelist must not use "Date.now"'],
    [
      'shared/governance/a.ts',
      "import { c } from '../whitelist/c.ts'",
      'governance may import types only of whitelist',
    ],
    ['shared/governance/a.ts', "import { c } from '../ledger/c.ts'", 'governance may import types only of ledger'],
    ['shared/governance/a.ts', "import type { C } from '../issuance/c.ts'", 'governance must not import issuance'],
    ['shared/whitelist/a.ts', "import type { C } from '../governance/c.ts'", 'whitelist must not import governance'],
    ['shared/data-keys/a.ts', "import { c } from '../governance/c.ts'", 'data-keys must not import governance'],
    [CHAPTER, "import { c } from '../ports.ts'", 'may import types only of ports'],
    [CHAPTER, "import { c } from '../env.ts'", 'identity must not import env'],
    [CHAPTER, "import { c } from '../aws/c.ts'", 'identity must not import aws'],
    [CHAPTER, "import { C } from '@aws-sdk/client-iot'", 'must not import the package "@aws-sdk/client-iot"'],
    [CHAPTER, "import { c } from 'node:fs'", 'must not import the package "node:fs"'],
    [ADAPTER, "import { c } from './c.ts'", 'aws must not import aws'],
    [ADAPTER, "import { c } from '../../functions/x/y/flow.ts'", 'aws must not import another step'],
    [ADAPTER, "import { c } from '../../infra/keys.ts'", 'aws must not import infra'],
    [ADAPTER, "import { c } from '../whitelist/c.ts'", 'aws must not import whitelist'],
    [ADAPTER, "import '@aws-sdk/client-iot'; import '@aws-sdk/client-sqs'", 'an adapter uses one SDK client'],
    [ADAPTER, "import { c } from '../governance/c.ts'", 'aws must not import governance'],
    ['shared/aws/environment.ts', "import { c } from './c.ts'", 'aws wiring may import types only of aws'],
    ['shared/aws/environment.ts', "import { c } from '../whitelist/c.ts'", 'aws wiring must not import whitelist'],
    [HANDLER, "import { c } from '../../../shared/governance/c.ts'", 'handler must not import governance'],
    ['infra/a.ts', "import { c } from '../shared/governance/c.ts'", 'infra must not import governance'],
    [FLOW, "import { c } from '../../../shared/aws/c.ts'", 'flow must not import aws'],
    [FLOW, "import { c } from '../../../shared/hsm/c.ts'", 'flow must not import hsm'],
    [FLOW, "import { c } from '../../../shared/env.ts'", 'flow must not import env'],
    [FLOW, "import { C } from '@aws-sdk/client-s3'", 'must not import the package "@aws-sdk/client-s3"'],
    [FLOW, "import { c } from '../z/flow.ts'", 'flow must not import another step'],
    [FLOW, "import { c } from './handler.ts'", 'flow must not import handler'],
    [FLOW, "import { c } from '../../handle.ts'", 'flow must not import handle'],
    [HANDLER, "import { c } from '../z/flow.ts'", 'handler must not import another step'],
    [HANDLER, "import { c } from '../../../shared/whitelist/c.ts'", 'handler must not import whitelist'],
    ['functions/handle.ts', "import { c } from './x/y/flow.ts'", 'handle must not import another step'],
    ['infra/a.ts', "import { c } from '../shared/outcome.ts'", 'infra must not import vocabulary'],
    ['infra/a.ts', "import { c } from '../functions/x/y/handler.ts'", 'infra must not import handler'],
    ['cli/a.ts', "import { c } from '../functions/x/y/flow.ts'", 'cli must not import another step'],
    ['cli/a.ts', "import { c } from '../infra/keys.ts'", 'cli must not import infra'],
    ['device/a.ts', "import { c } from '../cli/c.ts'", 'device must not import cli'],
    ['device/a.ts', "import { C } from '@aws-sdk/client-iot'", 'must not import the package "@aws-sdk/client-iot"'],
    // words
    [FLOW, 'const a = process.env', 'flow must not use "process"'],
    [FLOW, 'const a = crypto.randomUUID()', 'flow must not use "randomUUID"'],
    [FLOW, "await fetch('a')", 'flow must not use "fetch"'],
    [CHAPTER, 'const a = Date.now()', 'identity must not use "Date.now"'],
    [CHAPTER, 'const a = Math.random()', 'identity must not use "Math.random"'],
    [CHAPTER, "import { randomBytes } from 'node:crypto'", 'identity must not use "randomBytes"'],
    [CHAPTER, "console.info('a')", 'identity must not use "console"'],
    ['shared/ledger/a.ts', 'const a = new Date()', 'ledger must not use "new Date()"'],
    [FLOW, "if (device.state === 'owned') a()", 'only lifecycle.ts compares device states'],
    ['cli/a.ts', "const a = 'owned' !== b.device.state", 'only lifecycle.ts compares device states'],
    ['infra/a.ts', 'switch (device.state) {}', 'only lifecycle.ts compares device states'],
    [CHAPTER, "import { z } from 'zod'", `zod is imported as "import * as z from 'zod'"`],
  ])('says of %s with "%s": %s', (path, text, said) => {
    expect(findBreaks(path, text).join('\n')).toContain(said);
  });

  test.each([
    ['shared/whitelist/a.ts', "import { b } from '../identity/b.ts'"],
    [CHAPTER, "import type { Clock } from '../ports.ts'"],
    ['shared/governance/a.ts', "import type { B } from '../whitelist/b.ts'; import type { C } from '../ledger/c.ts'"],
    ['shared/whitelist/formats/a.ts', "import { b } from '../signature.ts'; import { c } from '../../identity/c.ts'"],
    ['shared/aws/environment.ts', "import { parseRoleMap } from '../governance/permissions.ts'"],
    ['functions/perform-act.ts', "import { b } from '../shared/governance/permissions.ts'"],
    ['cli/a.ts', "import { b } from '../shared/whitelist/formats/b.ts'"],
    [FLOW, "import { type Clock } from '../../../shared/ports.ts'"],
    [FLOW, "import { b } from './notice.ts'"],
    [CHAPTER, 'const a = new Date(given)'],
    [CHAPTER, '// console.log(process.env, Date.now(), device.state === 1)'],
    ['shared/lifecycle.ts', "const a = device.state === 'owned'"],
  ])('says nothing of %s with "%s"', (path, text) => {
    expect(findBreaks(path, text)).toEqual([]);
  });

  test('counts the lines of a handler: 39 are wiring, 40 are too many', () => {
    expect(findBreaks(HANDLER, '// wiring\n'.repeat(39))).toEqual([]);
    expect(findBreaks(HANDLER, '// wiring\n'.repeat(40))).toEqual([
      `${HANDLER}: expected fewer than 40 lines of wiring, got 40`,
    ]);
  });
});
