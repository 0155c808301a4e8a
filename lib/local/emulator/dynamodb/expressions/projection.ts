import { optionalString } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { type AttributeValue, attributeOf, type Item, setAttribute } from '../values/attribute-value.ts';
import { readAttributeName } from './operand.ts';
import type { Placeholders } from './placeholders.ts';
import { TokenReader } from './token-reader.ts';

/**
 * Reads `ProjectionExpression`: the attributes to return, or undefined for the whole item.
 * @throws ValidationException for a malformed expression or an attribute that is named twice.
 */
export function readProjection(input: JsonObject, placeholders: Placeholders): string[] | undefined {
  const text = optionalString(input, 'ProjectionExpression');
  if (text === undefined) return undefined;
  const reader = new TokenReader('ProjectionExpression', text);
  const names: string[] = [];
  do {
    const name = readAttributeName(reader, placeholders);
    if (names.includes(name)) throw reader.overlap(name);
    names.push(name);
  } while (reader.takeSymbol(',') !== undefined);
  reader.expectEnd();
  return names;
}

/** The named attributes of an item; the whole item if no names are given. */
export function project(item: Item, names: readonly string[] | undefined): Item {
  if (names === undefined) return item;
  const picked: Record<string, AttributeValue> = {};
  for (const name of names) {
    const value = attributeOf(item, name);
    if (value !== undefined) setAttribute(picked, name, value);
  }
  return picked;
}
