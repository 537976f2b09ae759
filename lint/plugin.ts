/**
 * The linter's half of the rings: finds imports and ambient time or randomness in the syntax tree and asks the table
 * in `rings.ts`. Two rules, `rings/imports` and `rings/ambient`; the linter loads this file as it is.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { RuleTester } from 'oxlint/plugins-dev';
import * as table from './rings.ts';

// The linter does not export its own names for these.
type Rule = Extract<Parameters<RuleTester['run']>[1], { create: unknown }>;
type Context = Parameters<Rule['create']>[0];
type ImportDeclaration = Parameters<NonNullable<ReturnType<Rule['create']>['ImportDeclaration']>>[0];
type Node = ImportDeclaration['parent'];
type Identifier = Extract<Node, { type: 'Identifier'; name: string }>;

const root = dirname(import.meta.dirname);
const fromRoot = (absolute: string) => relative(root, absolute).split(sep).join('/');

/** The sources of what package.json exports. */
const entryPoints: readonly string[] = (() => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  return Object.values(exports).flatMap((target) =>
    typeof target === 'object' && target['conclave-source'] !== undefined
      ? [target['conclave-source'].replace('./', '')]
      : [],
  );
})();

const imports: Rule = {
  meta: { type: 'problem', docs: { description: 'Keeps imports within the rings of lint/rings.ts' } },
  create(context) {
    const importer = fromRoot(context.filename);
    const check = (node: Node, specifier: unknown) => {
      if (typeof specifier !== 'string') return;
      const own = specifier.startsWith('.');
      const refusal = own
        ? table.refuseOwnFile(importer, fromRoot(resolve(dirname(context.filename), specifier)), entryPoints)
        : table.refusePackage(importer, specifier);
      if (refusal !== undefined) context.report({ node, message: `${specifier}: ${refusal}` });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => check(node, node.source?.value),
      ImportExpression: (node) => check(node, node.source.type === 'Literal' && node.source.value),
      TSImportType: (node) => check(node, node.source.value),
    };
  },
};

const ambient: Rule = {
  meta: { type: 'problem', docs: { description: 'Keeps time and randomness behind their ports' } },
  create(context) {
    const strictness = table.ambientStrictness(fromRoot(context.filename));
    if (strictness === 'free') return {};
    const wayOut =
      strictness === 'pure' ? 'a chart is pure: time and chance enter as data' : table.portsInstead;
    const refuse = (node: Node, what: string) => context.report({ node, message: `${what}: ${wayOut}.` });
    return {
      ImportDeclaration(node) {
        for (const name of ambientNamesOf(node)) refuse(node, `${name} of ${node.source.value}`);
      },
      'Program:exit'() {
        for (const identifier of globalsIn(context)) {
          const what = strictness === 'pure' ? impureUse(identifier) : ambientUse(identifier);
          if (what !== undefined) refuse(identifier, what);
        }
      },
    };
  },
};

/** The names an import takes that `ambientImports` refuses. */
function ambientNamesOf(node: ImportDeclaration): string[] {
  const refused = table.ambientImports[node.source.value.replace(/^node:/, '')];
  if (refused === undefined || node.importKind === 'type') return [];
  return node.specifiers.flatMap((specifier) => {
    // `import * as crypto` or `import crypto` would hide which names are used.
    if (specifier.type !== 'ImportSpecifier') return ['everything'];
    const name = 'name' in specifier.imported ? specifier.imported.name : specifier.imported.value;
    return refused.includes(name) || refused.includes('*') ? [name] : [];
  });
}

/** Every use, as a value, of a name the file does not declare. */
function globalsIn(context: Context): Identifier[] {
  const scope = context.sourceCode.scopeManager.globalScope;
  if (scope === null) return [];
  const declaredNowhere = scope.variables.filter((variable) => variable.defs.length === 0);
  const references = [...scope.through, ...declaredNowhere.flatMap((variable) => variable.references)];
  return references
    .filter((reference) => !('isTypeReference' in reference && reference.isTypeReference === true))
    .map((reference) => reference.identifier);
}

/** In a chart: any global that is not on the list, and the one impure member of those that are. */
function impureUse(identifier: Identifier): string | undefined {
  return table.pureGlobals.has(identifier.name) ? ambientUse(identifier) : identifier.name;
}

/** What of a global is time or randomness here, if anything. */
function ambientUse(identifier: Identifier): string | undefined {
  const { name } = identifier;
  if (table.ambientGlobals.has(name)) return name;
  const use = identifier.parent;
  if (name === 'Date' && use.type === 'CallExpression' && use.callee === identifier) return 'Date()';
  if (name === 'Date' && use.type === 'NewExpression' && use.arguments.length === 0) return 'new Date()';
  const member = memberOf(use, identifier);
  if (name === 'globalThis' || name === 'global') {
    const object = use.parent;
    if (member === undefined) return `${name} as a value`;
    if (table.ambientGlobals.has(member)) return `${name}.${member}`;
    const inner = object === null ? undefined : memberOf(object, use);
    return table.ambientMembers[member]?.has(inner ?? '*') === true
      ? `${name}.${member}.${inner}`
      : undefined;
  }
  const refused = table.ambientMembers[name];
  if (refused === undefined) return undefined;
  const uses = member === undefined ? takenFrom(use, identifier) : [member];
  const found = uses.find((each) => each === '*' || refused.has(each));
  return found === undefined ? undefined : `${name}.${found}`;
}

/** `m` of `object.m` or `object['m']`. */
function memberOf(use: Node, object: Node): string | undefined {
  if (use.type !== 'MemberExpression' || use.object !== object) return undefined;
  if (use.property.type === 'Identifier' && !use.computed) return use.property.name;
  return use.property.type === 'Literal' ? String(use.property.value) : undefined;
}

/** `now` of `const { now } = Date`; `*` of `const clock = Date`, after which it could be anything. */
function takenFrom(use: Node, value: Node): readonly string[] {
  if (use.type !== 'VariableDeclarator' || use.init !== value) return [];
  if (use.id.type !== 'ObjectPattern') return ['*'];
  return use.id.properties.map((property) =>
    property.type === 'Property' && property.key.type === 'Identifier' ? property.key.name : '*',
  );
}

export default { meta: { name: 'rings' }, rules: { imports, ambient } };
