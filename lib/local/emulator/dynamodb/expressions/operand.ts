import { NotEmulatedError } from '../../not-emulated.ts';
import { type AttributeValue, attributeOf, type Item } from '../values/attribute-value.ts';
import type { Placeholders } from './placeholders.ts';
import { RESERVED_WORDS } from './reserved-words.ts';
import type { TokenReader } from './token-reader.ts';

/** What a condition or an update works on: a value of the request, or an attribute of the item. */
export type Operand =
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'attribute'; readonly name: string };

/** Functions that AWS has in expressions and the emulator does not have. */
const OTHER_FUNCTIONS = ['size', 'attribute_type', 'contains', 'if_not_exists', 'list_append'];

/** Reads a value placeholder or an attribute name. */
export function readOperand(reader: TokenReader, placeholders: Placeholders): Operand {
  const token = reader.peek();
  if (token.kind === 'value') {
    reader.next();
    return { kind: 'value', value: placeholders.value(reader, token.text) };
  }
  if (token.kind === 'name' && reader.isCall()) throw unknownFunction(reader, token.text, []);
  return { kind: 'attribute', name: readAttributeName(reader, placeholders) };
}

/** Reads the name of a top-level attribute: `name` or `#placeholder`. */
export function readAttributeName(reader: TokenReader, placeholders: Placeholders): string {
  const name = readName(reader, placeholders);
  const step = reader.peek();
  if (step.kind === 'symbol' && (step.text === '.' || step.text === '['))
    throw new NotEmulatedError({
      where: reader.kind,
      kind: 'document path',
      name: `${name}${step.text}…`,
      supported: ['top-level attributes'],
    });
  return name;
}

function readName(reader: TokenReader, placeholders: Placeholders): string {
  const token = reader.peek();
  if (token.kind === 'placeholder') {
    reader.next();
    return placeholders.name(reader, token.text);
  }
  if (token.kind !== 'name') throw reader.syntaxError();
  if (RESERVED_WORDS.has(token.text.toUpperCase()))
    throw reader.invalid(`Attribute name is a reserved keyword; reserved keyword: ${token.text}`);
  reader.next();
  return token.text;
}

/** The error for a function that is missing here, or that AWS does not have either. */
export function unknownFunction(reader: TokenReader, name: string, supported: readonly string[]): Error {
  if (!OTHER_FUNCTIONS.includes(name)) return reader.invalid(`Invalid function name; function: ${name}`);
  const instead = supported.length === 0 ? {} : { supported };
  return new NotEmulatedError({ where: reader.kind, kind: 'function', name, ...instead });
}

/** The value of an operand, or undefined for an attribute that the item does not have. */
export function resolve(operand: Operand, item: Item): AttributeValue | undefined {
  return operand.kind === 'value' ? operand.value : attributeOf(item, operand.name);
}
