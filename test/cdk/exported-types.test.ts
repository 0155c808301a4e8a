import { join } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import {
  isBlock,
  isConstructorDeclaration,
  isExpressionWithTypeArguments,
  isTypeReferenceNode,
} from 'typescript/unstable/ast/is';
import {
  API,
  ModifierFlags,
  type Project,
  SymbolFlags,
  type Symbol as TypeSymbol,
} from 'typescript/unstable/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as library from '../../lib/cdk/index.ts';
import { PROJECT_ROOT } from './test-deployment.ts';

const INDEX = join(PROJECT_ROOT, 'lib/cdk/index.ts');
const OWN_SOURCES = join(PROJECT_ROOT, 'lib/');

let api: API;
let project: Project;
beforeAll(() => {
  api = new API({ cwd: PROJECT_ROOT });
  const configuration = join(PROJECT_ROOT, 'build/tsconfig.json');
  const [first] = api.updateSnapshot({ openProjects: [configuration] }).getProjects();
  if (!first) throw new Error(`The compiler did not open ${configuration}`);
  project = first;
});
afterAll(() => api.close());

/** What the package exports, with the aliases resolved. */
function exportedSymbols(): TypeSymbol[] {
  const module = project.checker.getSymbolAtLocation(project.program.getSourceFile(INDEX) as SourceFile);
  if (!module) throw new Error(`${INDEX} is not a module`);
  return project.checker.getExportsOfModule(module).map(resolved);
}

function resolved(symbol: TypeSymbol): TypeSymbol {
  return symbol.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(symbol) : symbol;
}

/** Members and declarations that users cannot see: bodies, values, and what is private or protected. */
function isHidden(node: Node): boolean {
  if (isBlock(node)) return true;
  const { modifierFlags = 0 } = node as { modifierFlags?: ModifierFlags };
  return (modifierFlags & (ModifierFlags.Private | ModifierFlags.Protected)) !== 0;
}

/** The names of types in the public part of a declaration. @param isValue - whether a class can be used with `new` */
function typeNames(declaration: Node, isValue: boolean): Node[] {
  const names: Node[] = [];
  const visit = (node: Node): void => {
    if (isHidden(node)) return;
    // Users cannot create the constructs of which only the type is exported.
    if (isConstructorDeclaration(node) && !isValue) return;
    if (isTypeReferenceNode(node)) names.push(node.typeName);
    if (isExpressionWithTypeArguments(node)) names.push(node.expression);
    const { initializer } = node as { initializer?: Node };
    node.forEachChild((child) => {
      if (child !== initializer) visit(child);
    });
  };
  visit(declaration);
  return names;
}

test('Every type in a public signature of the package is exported', () => {
  const exported = exportedSymbols();
  expect(exported.length).toBeGreaterThan(20);
  const ids = new Set(exported.map(({ id }) => id));
  const missing = exported.flatMap((symbol) =>
    symbol.declarations
      .map((handle) => handle.resolve())
      .filter((declaration) => declaration !== undefined)
      .flatMap((declaration) => typeNames(declaration, symbol.name in library))
      .flatMap((name) => {
        const found = project.checker.getSymbolAtLocation(name);
        if (!found) throw new Error(`${name.getText()} in ${symbol.name} is not known to the compiler`);
        const type = resolved(found);
        const isOwn = type.declarations.some(({ path }) => path.startsWith(OWN_SOURCES));
        const isParameter = (type.flags & SymbolFlags.TypeParameter) !== 0;
        return isOwn && !isParameter && !ids.has(type.id) ? [`${type.name} (in ${symbol.name})`] : [];
      }),
  );
  expect([...new Set(missing)]).toEqual([]);
});
