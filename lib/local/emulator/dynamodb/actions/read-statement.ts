import { optionalString, serializationError } from '../../input.ts';
import type { JsonObject } from '../../service.ts';
import { validationError } from '../errors.ts';
import type { Statement } from '../partiql/statement.ts';
import type { StatementParser } from '../partiql/statement-parser.ts';
import type { AttributeValue } from '../values/attribute-value.ts';
import { parseValue } from '../values/parse-value.ts';

/**
 * Reads `Statement` and `Parameters`.
 * @throws ValidationException where the statement is malformed or has another number of parameters.
 */
export function readStatement(
  parser: StatementParser,
  input: JsonObject,
): { statement: Statement; parameters: AttributeValue[] } {
  const statement = parser.parse(optionalString(input, 'Statement') ?? '');
  const given = input.Parameters ?? [];
  if (!Array.isArray(given)) throw serializationError('Parameters', 'a list', given);
  if (given.length !== statement.parameterCount)
    throw validationError("Number of parameters in request and statement don't match.");
  return { statement, parameters: given.map((value: unknown) => parseValue(value, 'Parameters')) };
}
