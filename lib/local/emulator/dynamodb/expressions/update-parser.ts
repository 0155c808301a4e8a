import { NotEmulatedError } from '../../not-emulated.ts';
import { isSet, TYPE_WORDS, typeOf } from '../values/attribute-value.ts';
import type { UpdateAction } from './item-update.ts';
import { readAttributeName, readOperand } from './operand.ts';
import type { Placeholders } from './placeholders.ts';
import { TokenReader } from './token-reader.ts';

const SECTIONS = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;
type Section = (typeof SECTIONS)[number];

/**
 * Parses `UpdateExpression`.
 * @throws ValidationException with AWS's message.
 */
export function parseUpdate(text: string, placeholders: Placeholders): UpdateAction[] {
  const reader = new TokenReader('UpdateExpression', text);
  const seen = new Set<Section>();
  const actions: UpdateAction[] = [];
  do {
    const section = SECTIONS.find((word) => reader.takeKeyword(word));
    if (section === undefined) throw reader.syntaxError();
    if (seen.has(section))
      throw reader.invalid(`The "${section}" section can only be used once in an update expression;`);
    seen.add(section);
    do {
      const action = readAction(section, reader, placeholders);
      if (actions.some(({ name }) => name === action.name)) throw reader.overlap(action.name);
      actions.push(action);
    } while (reader.takeSymbol(',') !== undefined);
  } while (reader.peek().kind !== 'end');
  return actions;
}

function readAction(section: Section, reader: TokenReader, placeholders: Placeholders): UpdateAction {
  const name = readAttributeName(reader, placeholders);
  if (section === 'REMOVE') return { kind: 'remove', name };
  if (section === 'SET') {
    reader.expectSymbol('=');
    const value = readOperand(reader, placeholders);
    const sign = reader.takeSymbol('+', '-');
    if (sign === undefined) return { kind: 'set', name, value };
    const supported = ['SET name = value', 'ADD for counters'];
    throw new NotEmulatedError({ where: reader.kind, kind: 'operator', name: sign, supported });
  }
  const token = reader.peek();
  if (token.kind !== 'value') throw reader.syntaxError();
  reader.next();
  const value = placeholders.value(reader, token.text);
  if (section === 'DELETE' && isSet(value)) return { kind: 'delete', name, value };
  if (section === 'ADD' && (isSet(value) || 'N' in value)) return { kind: 'add', name, value };
  throw reader.invalid(
    `Incorrect operand type for operator or function; operator: ${section}, operand type: ${TYPE_WORDS[typeOf(value)]}, typeSet: ALLOWED_FOR_${section}_OPERAND`,
  );
}
