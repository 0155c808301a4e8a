import type { InterfaceDeclaration, JSDoc, Node } from 'typescript/unstable/ast';
import {
  isIdentifier,
  isInterfaceDeclaration,
  isJSDoc,
  isJSDocText,
  isPropertySignatureDeclaration,
} from 'typescript/unstable/ast/is';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';
import { ConfigurationReferenceError } from './configuration-reference-error.ts';
import { code, type SettingRow } from './markdown-table.ts';

/** Tags of a TSDoc comment that the reference shows. */
const SUPPORTED_TAGS: ReadonlySet<string> = new Set(['default', 'example']);

/** Only the source is parsed, without its imports and the standard library, because types are shown as written. */
const COMPILER_OPTIONS = { noResolve: true, noLib: true, types: [] };

/**
 * Describes the properties of an interface, from their types and TSDoc comments.
 *
 * @param source - text of the TypeScript file
 * @throws {@link ConfigurationReferenceError} if a property has no description, if an optional property has no
 *   `@default`, or if a comment contains a tag or link that is not supported
 */
export function propertyRows(source: string, interfaceName: string): SettingRow[] {
  const tsconfig = JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['source.ts'] });
  const fs = createVirtualFileSystem({ '/tsconfig.json': tsconfig, '/source.ts': source });
  const api = new API({ cwd: '/', fs });
  try {
    const [project] = api.updateSnapshot({ openProjects: ['/tsconfig.json'] }).getProjects();
    const declaration = project?.program
      .getSourceFile('/source.ts')
      ?.statements.filter((statement): statement is InterfaceDeclaration => isInterfaceDeclaration(statement))
      .find(({ name }) => name.text === interfaceName);
    if (declaration) return declaration.members.map(propertyRow);
    throw new ConfigurationReferenceError(`The source does not contain the interface ${interfaceName}`);
  } finally {
    api.close();
  }
}

function propertyRow(member: Node): SettingRow {
  if (!isPropertySignatureDeclaration(member) || !isIdentifier(member.name)) {
    throw new ConfigurationReferenceError(
      `The member "${member.getText()}" is not supported: use a property`,
    );
  }
  const name = member.name.text;
  const isOptional = member.postfixToken !== undefined;
  const { description, tags } = documentation(name, member.jsDoc?.at(-1));
  const defaultValue = tags.get('default');
  if (isOptional && defaultValue === undefined) {
    throw new ConfigurationReferenceError(`${name} has no default: add @default to its comment`);
  }
  if (!isOptional && defaultValue !== undefined) {
    throw new ConfigurationReferenceError(`${name} is required: remove @default from its comment`);
  }
  const example = tags.get('example');
  return {
    name,
    type: code(typeText(member.type)),
    default: defaultValue === undefined ? 'required' : defaultText(defaultValue),
    description: example === undefined ? description : `${description} Example: ${code(example)}.`,
  };
}

function documentation(name: string, comment: Node | undefined) {
  const description = comment && isJSDoc(comment) ? textOf(name, comment.comment) : '';
  if (!description) {
    throw new ConfigurationReferenceError(`${name} has no description: add a TSDoc comment`);
  }
  const tags = new Map<string, string>();
  for (const tag of (comment as JSDoc).tags ?? []) {
    const tagName = tag.tagName.text;
    if (!SUPPORTED_TAGS.has(tagName)) {
      throw new ConfigurationReferenceError(`${name} has the tag @${tagName}, which is not supported`);
    }
    tags.set(tagName, textOf(name, tag.comment));
  }
  return { description, tags };
}

function textOf(name: string, comment: Iterable<Node> = []): string {
  const parts = [...comment].map((part) => {
    if (isJSDocText(part)) return part.text;
    throw new ConfigurationReferenceError(`${name} has a link in its comment, which is not supported`);
  });
  return parts.join('').replace(/\s+/g, ' ').trim();
}

/** `string & {}` is the idiom for any string that lets editors suggest the other members of a union. */
function typeText(type: Node): string {
  return type.getText().replace(/\s+/g, ' ').replace('(string & {})', 'string');
}

/** The CDK convention: `@default - text` is a description, anything else is code. */
function defaultText(value: string): string {
  return value.startsWith('- ') ? value.slice('- '.length) : code(value);
}
